//! A service that serves, and what can be asked of it from outside.

use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::{
    process::{End, Process, Setup, Signal},
    until,
    wire::{Response, Wire, get},
};

/// A process that listens.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) process: Process,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// How a service left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) code: Option<i32>,
    /// The last drain report.
    pub(crate) report: Value,
    pub(crate) end: End,
}

impl Setup {
    /// Starts, and waits until it listens.
    #[track_caller]
    pub(crate) fn serve(self) -> Service {
        let process = self.spawn();
        let listening = process.log.wait_for("listening");
        let address = |key: &str| listening[key].as_str().unwrap().parse().unwrap();
        Service {
            http: address("http"),
            admin: address("admin"),
            process,
        }
    }
}

impl Service {
    #[track_caller]
    pub(crate) fn connect(&self) -> Wire {
        Wire::connect(self.http)
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Response {
        self.connect().ask(&get(path))
    }

    /// One request to the admin listener.
    #[track_caller]
    pub(crate) fn admin(&self, path: &str) -> Response {
        Wire::connect(self.admin).ask(&get(path))
    }

    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.admin("/status").text()).unwrap()
    }

    #[track_caller]
    pub(crate) fn wait_phase(&self, phase: &str) {
        until(phase, || (self.status()["phase"] == phase).then_some(()));
    }

    /// Waits for a figure of `/status`' `connections`.
    #[track_caller]
    pub(crate) fn wait_connections(&self, figure: &str, count: u64) {
        until(figure, || {
            (self.status()["connections"][figure] == count).then_some(())
        });
    }

    /// Waits until so many requests are being handled.
    #[track_caller]
    pub(crate) fn wait_requests(&self, count: u64) {
        until("requests", || {
            (self.status()["requests"] == count).then_some(())
        });
    }

    pub(crate) fn refuses(&self) -> bool {
        TcpStream::connect(self.http).is_err()
    }

    /// Begins the lame duck, and waits until it has begun.
    #[track_caller]
    pub(crate) fn begin_lame_duck(&self) {
        self.process.signal(Signal::SIGTERM);
        self.wait_phase("lame-duck");
    }

    /// Ends a lame duck that is held, or begins the drain without one, and waits for the fence.
    /// Something must be in flight, or the process is gone before it can be asked.
    #[track_caller]
    pub(crate) fn begin_draining(&self) {
        self.process.signal(Signal::SIGINT);
        self.wait_phase("draining");
        until("the fence", || self.refuses().then_some(()));
    }

    /// Waits for the end of the process.
    #[track_caller]
    pub(crate) fn left(self) -> Left {
        let end = self.process.end();
        let report = end.events("drain report").pop();
        let report = report.expect("a drain report in the log");
        let report: Value = serde_json::from_str(report["report"].as_str().unwrap()).unwrap();
        assert_eq!(report["phase"], "stopped");
        assert_eq!(
            report["exit"],
            json!(end.code),
            "the report and the code agree"
        );
        Left {
            code: end.code,
            report,
            end,
        }
    }

    /// Waits for an end at which nothing was lost.
    #[track_caller]
    pub(crate) fn left_in_good_order(self) -> Left {
        let left = self.left();
        assert_eq!(
            (left.code, &left.report["cut"]),
            (Some(0), &json!({})),
            "{}",
            left.report
        );
        left
    }

    /// Tells it to go, and waits for an end at which nothing was lost.
    #[track_caller]
    pub(crate) fn stop(self) -> Left {
        self.process.signal(Signal::SIGINT);
        self.left_in_good_order()
    }
}

impl End {
    /// The log's lines that have this message.
    pub(crate) fn events(&self, message: &str) -> Vec<Value> {
        let events = self
            .log
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|event| event["message"] == message).collect()
    }

    pub(crate) fn logged(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.contains(text))
    }
}
