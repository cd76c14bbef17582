//! Server-Sent Events across replicas: a client that is told to go resumes at the next one.

use crate::{
    harness::Service,
    process::{Setup, Signal},
    wire::Wire,
};

/// A replica whose events come each `interval`.
fn replica(interval: &str) -> Service {
    Setup::new()
        .set("service.streaming.interval", interval)
        .set("drain.jitter", "20ms")
        .serve()
}

/// A client's stream from one replica.
struct Stream {
    wire: Wire,
    /// Of an event whose end has not come.
    rest: String,
}

impl Stream {
    fn open(replica: &Service, last: Option<u64>) -> Self {
        let mut wire = replica.connect();
        let resume = last.map_or(String::new(), |last| format!("last-event-id: {last}\r\n"));
        wire.send(format!(
            "GET /streaming/events HTTP/1.1\r\nhost: e2e\r\n{resume}\r\n"
        ));
        assert_eq!(wire.head().status, 200);
        let rest = String::new();
        Self { wire, rest }
    }

    /// The events of the next chunk; `None` at the stream's proper end.
    fn events(&mut self) -> Option<Vec<u64>> {
        let chunk = self.wire.chunk()?;
        self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        let (whole, rest) = self.rest.rsplit_once("\n\n").unwrap_or(("", &self.rest));
        let ids = whole.lines().filter_map(|line| line.strip_prefix("id: "));
        let ids = ids.map(|id| id.parse().unwrap()).collect();
        self.rest = rest.to_owned();
        Some(ids)
    }

    /// The events up to the stream's end.
    fn read_out(mut self) -> Vec<u64> {
        let ids = std::iter::from_fn(|| self.events()).flatten().collect();
        assert_eq!(self.rest, "", "it ends between two events");
        ids
    }
}

fn follow(interval: &str, replicas: usize) -> Vec<u64> {
    let mut ids: Vec<u64> = Vec::new();
    for _ in 0..replicas {
        let replica = replica(interval);
        let mut stream = Stream::open(&replica, ids.last().copied());
        let seen = ids.len();
        while ids.len() < seen + 20 {
            ids.extend(stream.events().expect("a stream that is not told goes on"));
        }
        replica.process.signal(Signal::SIGTERM);
        ids.extend(stream.read_out());
        replica.left_in_good_order();
    }
    ids
}

#[test]
fn a_client_gets_every_event_once_and_in_order_across_ten_replicas() {
    for interval in ["5ms", "10ms"] {
        let ids = follow(interval, 10);
        assert!(ids.len() >= 200);
        let apart = ids.windows(2).find(|pair| pair[1] != pair[0] + 1);
        assert_eq!(apart, None, "{interval}: {ids:?}");
    }
}
