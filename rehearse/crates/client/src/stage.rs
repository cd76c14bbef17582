//! What the end of a connection, or of the time, means to the request in the air.

use std::io::{self, ErrorKind};

use tokio::time::Instant;

use super::connection::Connection;
use super::failure::{FailureKind, Fault};
use rehearse_tls::End;

/// How far the response has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Nothing,
    Head,
    Body,
}

impl Connection {
    /// Fails once the response is late: a read that never waits would not notice.
    pub(super) fn check_deadline(&self) -> Result<(), Fault> {
        if Instant::now() < self.deadline {
            Ok(())
        } else {
            Err(self.late())
        }
    }

    /// The failure that an end in good order is at this stage.
    pub(super) fn finished(&self, end: End) -> Fault {
        let how = end.to_string();
        match self.stage {
            Stage::Nothing => Fault::new(FailureKind::ClosedBeforeResponse, how),
            Stage::Head => Fault::new(FailureKind::CutInHead, how),
            Stage::Body => self.cut(&how),
        }
    }

    /// The failure that an error of the socket is at this stage.
    pub(super) fn broken(&self, error: &io::Error) -> Fault {
        use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        let kind = match self.stage {
            Stage::Head => FailureKind::CutInHead,
            Stage::Body => return self.cut(&error.to_string()),
            Stage::Nothing => match error.kind() {
                ConnectionReset | ConnectionAborted | BrokenPipe => {
                    FailureKind::ResetBeforeResponse
                }
                ErrorKind::InvalidData => FailureKind::BadResponse,
                _ => FailureKind::ConnectionLost,
            },
        };
        Fault::new(kind, error.to_string())
    }

    fn cut(&self, how: &str) -> Fault {
        let (received, missing) = (self.received, self.body.missing());
        let detail = format!("{how} after {received} bytes of the body, {missing}");
        Fault::new(FailureKind::CutInBody, detail)
    }

    /// The failure of a response that has not come in time.
    pub(super) fn late(&self) -> Fault {
        let detail = match self.stage {
            Stage::Nothing => "no byte of a response".to_owned(),
            Stage::Head => "inside the head".to_owned(),
            Stage::Body => {
                let missing = self.body.missing();
                format!("after {} bytes of the body, {missing}", self.received)
            }
        };
        Fault::new(FailureKind::Timeout, detail)
    }
}
