use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::time::{Sleep, sleep_until};

/// A connection's one timer. Only the connection's own task polls it.
///
/// Its deadlines mostly move later, with each request by the keep-alive time. So it is left
/// armed for an earlier moment, and armed anew when that comes: not once a request.
#[derive(Debug, Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// It will wake the task.
    armed: bool,
}

impl Timer {
    /// Ready once `deadline` has passed.
    #[inline]
    pub(super) fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = deadline.into();
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
            self.armed = false;
        }
        if self.armed && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        loop {
            self.armed = sleep.as_mut().poll(cx).is_pending();
            if self.armed {
                return Poll::Pending;
            }
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use futures_util::future::poll_immediate;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_may_move_later_and_earlier() {
        let start = Instant::now();
        let at = |seconds| (start + Duration::from_secs(seconds)).into_std();
        let mut timer = Timer::default();
        assert!(
            poll_immediate(poll_fn(|cx| timer.poll(at(10), cx)))
                .await
                .is_none()
        );
        assert!(
            poll_immediate(poll_fn(|cx| timer.poll(at(20), cx)))
                .await
                .is_none()
        );
        poll_fn(|cx| timer.poll(at(30), cx)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(30));
        assert!(
            poll_immediate(poll_fn(|cx| timer.poll(at(90), cx)))
                .await
                .is_none()
        );
        poll_fn(|cx| timer.poll(at(40), cx)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(40));
    }
}
