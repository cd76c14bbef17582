//! Carries packets from device to device, on a thread of its own.

use std::io::{self, ErrorKind, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use tun_rs::SyncDevice;

use super::faults::Faults;
use super::line::Line;

/// Longer than what either device sends at once.
const LARGEST: usize = 2_048;

/// Packets read from one device before the other has its turn.
const BATCH: usize = 64;

/// A relay at work. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Relay {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Carries packets between two devices, each so much later.
    pub(super) fn start(
        devices: [SyncDevice; 2],
        delay: Duration,
        faults: Arc<Mutex<Faults>>,
    ) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let mut ways = Ways {
            devices,
            lines: [Line::new(delay), Line::new(delay)],
            faults,
            stopped,
        };
        let thread = thread::Builder::new().name("relay".to_owned());
        let thread = thread.spawn(move || while ways.turn() {})?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// `lines[i]` holds what `devices[i]` has sent, on its way to the other.
struct Ways {
    devices: [SyncDevice; 2],
    lines: [Line; 2],
    faults: Arc<Mutex<Faults>>,
    stopped: PipeReader,
}

impl Ways {
    /// Waits for something to do, and does it. `false`: the relay is to stop.
    fn turn(&mut self) -> bool {
        let Some(ready) = self.wait() else {
            return false;
        };
        for (way, _) in ready.into_iter().enumerate().filter(|(_, ready)| *ready) {
            self.take_in(way);
        }
        let now = Instant::now();
        for (way, line) in self.lines.iter_mut().enumerate() {
            while let Some(packet) = line.receive(now) {
                // A device takes every packet; what it drops all the same is lost on the way.
                let _lost = self.devices[1 - way].send(&packet);
            }
        }
        true
    }

    /// Which of the devices have sent something, once one has or a packet arrives.
    fn wait(&self) -> Option<[bool; 2]> {
        let [one, other] = self.devices.each_ref().map(AsFd::as_fd);
        let mut waiting = [one, other, self.stopped.as_fd()]
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN));
        let next = self.lines.iter().filter_map(Line::next).min();
        let wait = next.map(|next| next.saturating_duration_since(Instant::now()));
        match ppoll(&mut waiting, wait.map(TimeSpec::from), None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
        let [one, other, stopped] = waiting.map(|descriptor| descriptor.any().unwrap_or(true));
        (!stopped).then_some([one, other])
    }

    fn take_in(&mut self, way: usize) {
        let now = Instant::now();
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..BATCH {
            let mut packet = vec![0; LARGEST];
            match self.devices[way].recv(&mut packet) {
                Ok(length) => packet.truncate(length),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            if !faults.take(&packet) {
                self.lines[way].send(now, packet);
            }
        }
    }
}
