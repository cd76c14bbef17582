use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    time::Duration,
};

use actix_http::{
    KeepAlive, ServiceConfig,
    h1::{Codec, MessageType},
};
use bytes::BytesMut;
use http::HeaderValue;

/// How long a worker must have had nothing to answer before its date stops ticking.
const IDLE: Duration = Duration::from_secs(2);

const NAME: &[u8] = b"date: ";

/// The source of the `Date` header, which ticks only while there is something to answer.
///
/// actix's configuration holds a task that formats the date twice a second for as long as the
/// configuration lives. A thousand idle processes would spend their cores on that, so here it
/// lives from the first request after a pause to the next pause.
#[derive(Default)]
pub(super) struct Dates(Rc<Inner>);

impl fmt::Debug for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dates").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Inner {
    config: RefCell<Option<ServiceConfig>>,
    // It holds the configuration, too, and goes with it.
    codec: Cell<Option<Codec>>,
    used: Cell<bool>,
    latest: RefCell<Latest>,
}

/// The header's value as HTTP/2 wants it. It changes once a second, and making one costs an allocation.
#[derive(Debug)]
struct Latest {
    line: BytesMut,
    value: HeaderValue,
}

impl Default for Latest {
    fn default() -> Self {
        Self {
            line: BytesMut::new(),
            value: HeaderValue::from_static(""),
        }
    }
}

impl Dates {
    /// The configuration to encode the next response with.
    ///
    /// # Panics
    /// Outside of a `LocalSet`, where no worker runs.
    pub(super) fn config(&self) -> ServiceConfig {
        self.0.used.set(true);
        if let Some(config) = &*self.0.config.borrow() {
            return config.clone();
        }
        let config = ServiceConfig::new(KeepAlive::Os, Duration::ZERO, Duration::ZERO, false, None);
        *self.0.config.borrow_mut() = Some(config.clone());
        tokio::task::spawn_local(stop_when_idle(Rc::clone(&self.0)));
        config
    }

    /// A codec for the next request and its response.
    ///
    /// # Panics
    /// As [`Self::config`].
    pub(super) fn codec(&self) -> Codec {
        match self.0.codec.take() {
            Some(codec) => {
                self.0.used.set(true);
                codec
            }
            None => Codec::new(self.config()),
        }
    }

    /// Keeps a codec whose response is complete for the next request of any connection. Not one that
    /// has read more than a head: it remembers a body, and another protocol's offer.
    pub(super) fn give(&self, codec: Codec) {
        let has_read_a_head = codec.message_type() == MessageType::None && !codec.upgrade();
        if has_read_a_head && self.0.config.borrow().is_some() {
            self.0.codec.set(Some(codec));
        }
    }

    /// The header's value in this second.
    ///
    /// # Panics
    /// As [`Self::config`].
    pub(super) fn value(&self) -> HeaderValue {
        let Latest { line, value } = &mut *self.0.latest.borrow_mut();
        line.clear();
        self.config().write_date_header(line, false);
        let date = line
            .strip_prefix(NAME)
            .and_then(|line| line.strip_suffix(b"\r\n"));
        let date = date.unwrap_or_default();
        if value.as_bytes() != date
            && let Ok(new) = HeaderValue::from_bytes(date)
        {
            *value = new;
        }
        value.clone()
    }
}

async fn stop_when_idle(dates: Rc<Inner>) {
    while dates.used.replace(false) {
        tokio::time::sleep(IDLE).await;
    }
    *dates.config.borrow_mut() = None;
    dates.codec.take();
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_date_stops_ticking_when_nothing_is_answered() {
        let dates = Dates::default();
        let inner = Rc::clone(&dates.0);
        LocalSet::new()
            .run_until(async {
                drop(dates.config());
                tokio::time::sleep(IDLE / 2).await;
                drop(dates.config());
                tokio::time::sleep(IDLE).await;
                assert!(inner.config.borrow().is_some(), "in use, it ticks on");
                dates.give(dates.codec());
                tokio::time::sleep(IDLE * 2).await;
                assert!(inner.config.borrow().is_none(), "unused, it has stopped");
                assert!(inner.codec.take().is_none(), "and nobody holds it");
            })
            .await;
    }
}
