//! Packets on their way in one direction.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// All take the same time: they arrive in the order in which they were sent, as TCP likes it best.
#[derive(Debug)]
pub(super) struct Line {
    delay: Duration,
    packets: VecDeque<(Instant, Vec<u8>)>,
}

impl Line {
    pub(super) fn new(delay: Duration) -> Self {
        Self {
            delay,
            packets: VecDeque::new(),
        }
    }

    pub(super) fn send(&mut self, now: Instant, packet: Vec<u8>) {
        self.packets.push_back((now + self.delay, packet));
    }

    /// The next packet that has arrived by now.
    pub(super) fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        let has_arrived = |(arrives, _): &mut (Instant, Vec<u8>)| *arrives <= now;
        let (_, packet) = self.packets.pop_front_if(has_arrived)?;
        Some(packet)
    }

    /// When the next one arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        self.packets.front().map(|(arrives, _)| *arrives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_arrive_in_order_and_none_too_early() {
        let (start, ms) = (Instant::now(), Duration::from_millis(1));
        let mut line = Line::new(25 * ms);
        assert_eq!((line.next(), line.receive(start)), (None, None));
        line.send(start, vec![1]);
        line.send(start + ms, vec![2]);
        assert_eq!(line.next(), Some(start + 25 * ms));
        assert_eq!(line.receive(start + 24 * ms), None);
        assert_eq!(line.receive(start + 25 * ms), Some(vec![1]));
        assert_eq!(line.receive(start + 25 * ms), None);
        assert_eq!(line.receive(start + 60 * ms), Some(vec![2]));
        assert_eq!(line.next(), None);
    }
}
