//! How late this machine is: measured while cases run, because on one that is too busy nothing can be
//! said of a moment that was missed.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::case::{Outcome, Stop};

/// Between two measurements.
const PERIOD: Duration = Duration::from_millis(10);

/// Delays below this are not kept.
const NOTABLE: Duration = Duration::from_millis(10);

/// A timer and an echo on the loopback device, by which this machine's delays are measured.
pub(super) struct DelayMonitor {
    measured: Arc<Mutex<Measured>>,
    _task: AbortOnDropHandle<io::Result<()>>,
}

struct Measured {
    /// When each notable delay was measured.
    delays: Vec<(Instant, Duration)>,
    /// When the measurement was due that is now under way.
    due: Instant,
}

impl DelayMonitor {
    /// Measures from now on.
    ///
    /// # Errors
    /// If there is no loopback device.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        // In a thread of its own, whose turn the kernel decides on as on that of another process.
        std::thread::spawn(move || echo(&listener));
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let due = Instant::now();
        let delays = Vec::new();
        let measured = Arc::new(Mutex::new(Measured { delays, due }));
        let task = tokio::spawn(measure(stream, Arc::clone(&measured)));
        Ok(Self {
            measured,
            _task: AbortOnDropHandle::new(task),
        })
    }

    /// The longest delay that was measured since then.
    pub(super) fn longest_since(&self, then: Instant) -> Duration {
        let measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let since = measured.delays.iter().filter(|(at, _)| *at >= then);
        let longest = since.map(|(_, delay)| *delay).max().unwrap_or_default();
        longest.max(measured.due.elapsed())
    }
}

fn echo(listener: &TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte)?;
        stream.write_all(&byte)?;
    }
}

/// From when a timer was due until what was sent then has come back.
async fn measure(mut stream: TcpStream, measured: Arc<Mutex<Measured>>) -> io::Result<()> {
    loop {
        let due = Instant::now() + PERIOD;
        measured.lock().unwrap_or_else(PoisonError::into_inner).due = due;
        sleep_until(due).await;
        stream.write_all(&[0]).await?;
        stream.read_exact(&mut [0]).await?;
        let delay = due.elapsed();
        if delay > NOTABLE {
            let mut measured = measured.lock().unwrap_or_else(PoisonError::into_inner);
            measured.delays.push((Instant::now(), delay));
        }
    }
}

/// How late this machine may be: less than the least that lies between a moment at which a case looks and
/// the one that it must not miss, which is a tenth of the lame duck.
pub(super) fn tolerance(lame_duck: Duration) -> Duration {
    let least = Duration::from_millis(100);
    (lame_duck / 10).max(least)
}

/// What an observation says, if since the termination began this machine was late by so much: a failure
/// may then be the machine's. Before it no case looks at a moment.
pub(super) fn judged(outcome: Outcome, delay: Duration, tolerance: Duration) -> Outcome {
    match outcome {
        Err(Stop::Failed(seen)) if delay > tolerance => Err(Stop::Inconclusive(format!(
            "this machine was {delay:.0?} late; seen: {seen}"
        ))),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_failure_is_the_programs_unless_the_machine_was_late() {
        let failed = || Err(Stop::failed("RST"));
        let tolerance = tolerance(ms(2000));
        assert_eq!(judged(failed(), ms(200), tolerance), failed());
        let late = judged(failed(), ms(201), tolerance);
        assert!(matches!(late, Err(Stop::Inconclusive(why)) if why.contains("RST")));
    }

    #[test]
    fn a_pass_and_what_does_not_apply_need_no_fast_machine() {
        assert_eq!(judged(Ok(()), ms(5000), ms(100)), Ok(()));
        let none = || Err(Stop::not_applicable("--slow PATH"));
        assert_eq!(judged(none(), ms(5000), ms(100)), none());
    }

    #[tokio::test]
    async fn a_runtime_that_stands_still_is_seen_while_it_does_and_after() {
        let monitor = DelayMonitor::start().await.unwrap();
        let due = || monitor.measured.lock().unwrap().due;
        let first = due();
        while due() == first {
            tokio::task::yield_now().await;
        }
        let before = Instant::now();
        std::thread::sleep(ms(200));
        assert!(monitor.longest_since(before) >= ms(150), "while it does");
        let missed = due();
        while due() == missed {
            tokio::task::yield_now().await;
        }
        let longest = monitor.longest_since(before);
        assert!(longest >= ms(150), "{longest:?}");
        assert!(monitor.longest_since(Instant::now()) < longest);
    }
}
