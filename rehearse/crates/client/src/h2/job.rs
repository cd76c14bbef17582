//! What is asked for on a stream, and what the answer must be.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::super::failure::{FailureKind, Fault};
use super::super::log::Trace;
use super::super::schedule::Pace;
use super::super::shared::Shared;
use super::super::{SlowStreams, pattern};
use super::connection::OpenStream;
use super::state::Event;

#[derive(Clone)]
pub(super) struct Job {
    pub(super) target: Arc<str>,
    pub(super) pace: Pace,
    expect: Expect,
    rate: Option<u64>,
}

#[derive(Clone)]
enum Expect {
    Anything,
    Text(Arc<str>),
    Pattern(u64),
}

impl Job {
    pub(super) fn quick(shared: &Shared, every: Duration) -> Self {
        let expect = shared.plan.expect.as_deref();
        Self {
            target: shared.plan.target.as_str().into(),
            pace: Pace::every(every),
            expect: expect.map_or(Expect::Anything, |text| Expect::Text(text.into())),
            rate: None,
        }
    }

    pub(super) fn slow(slow: &SlowStreams) -> Self {
        Self {
            target: format!("{}?bytes={}", slow.target, slow.bytes).into(),
            pace: Pace::every(slow.every),
            expect: Expect::Pattern(slow.bytes),
            rate: Some(slow.rate),
        }
    }

    /// Reads the answer, as fast as it may be read.
    pub(super) async fn read(
        &self,
        mut stream: OpenStream,
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<Instant, Fault> {
        let (begun, mut received, mut announced) = (Instant::now(), 0, None);
        loop {
            let Ok(event) = timeout_at(deadline, stream.events.recv()).await else {
                let detail = format!("after {received} bytes of the body");
                return Err(Fault::new(FailureKind::Timeout, detail));
            };
            if let Some(Event::Head(_)) = event {
                trace.first_byte = Some(Instant::now());
            }
            match event {
                Some(Event::Head(head)) if head.status.is_some_and(|status| status / 100 == 2) => {
                    announced = head.length
                }
                Some(Event::Head(head)) => {
                    let status = head.status.unwrap_or_default().to_string();
                    return Err(Fault::new(FailureKind::WrongStatus, status));
                }
                Some(Event::Data(piece)) => {
                    self.check(received, &piece)?;
                    received += piece.len() as u64;
                    self.keep_to_rate(begun, received, deadline).await;
                    stream.credit(piece.len());
                }
                Some(Event::End) => break,
                Some(Event::Broken(fault)) => return Err(fault),
                None => return Err(Fault::new(FailureKind::ConnectionLost, "without an end")),
            }
        }
        let due = match &self.expect {
            Expect::Anything => announced.unwrap_or(received),
            Expect::Text(text) => text.len() as u64,
            Expect::Pattern(bytes) => *bytes,
        };
        match announced.unwrap_or(due) {
            length if received == due && received == length => Ok(Instant::now()),
            _ => Err(Self::wrong(format!("{received} bytes, not {due}"))),
        }
    }

    /// A piece of the body that begins at `offset`.
    fn check(&self, offset: u64, piece: &[u8]) -> Result<(), Fault> {
        let right = match &self.expect {
            Expect::Anything => true,
            Expect::Text(text) => {
                let rest = text.as_bytes().get(offset as usize..);
                rest.is_some_and(|rest| rest.starts_with(piece))
            }
            Expect::Pattern(_) => pattern::first_wrong(offset, piece).is_none(),
        };
        match right {
            true => Ok(()),
            false => Err(Self::wrong(format!("a wrong byte at {offset} or behind"))),
        }
    }

    fn wrong(detail: String) -> Fault {
        Fault::new(FailureKind::WrongBody, detail)
    }

    /// Waits until a reader of this rate would have got so far. The window is open for as much more
    /// as was read: so the server is held back, and not this connection.
    async fn keep_to_rate(&self, begun: Instant, received: u64, deadline: Instant) {
        if let Some(rate) = self.rate {
            let due = Duration::from_secs_f64(received as f64 / rate.max(1) as f64);
            sleep_until(deadline.min(begun + due)).await;
        }
    }
}
