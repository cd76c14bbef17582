//! One log of a run: each request, connection, pod and endpoint change, with its time.
//!
//! In memory it is compact, and lies where it is written: requests and connections with the clients of
//! a kind ([`Log`]), pods and endpoints with the model. Figures are made from that. Here it becomes
//! [`mod@line`]s, for files and for the report in HTML.

pub mod file;
pub mod line;

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use self::line::{Connection, Endpoint, Line, Outcome, Pod, Request, Scenario, Verdict};
use crate::{ArmReport, ScenarioReport};
use rehearse_arm::load::KindOutcome;
use rehearse_client::Log;
use rehearse_client::log::{self, End};
use rehearse_platform::{EndpointEvent, PodEvent};

/// Shows each line of a scenario's log: its arms one after the other, and in each the pods, the
/// endpoints, and then connections and requests by kind of client.
pub fn lines(scenario: &ScenarioReport, mut show: impl FnMut(Line)) {
    show(Line::Scenario(Scenario {
        service: scenario.service.clone(),
        conditions: scenario.conditions.clone(),
        arms: scenario.arms.iter().map(|arm| word(arm).into()).collect(),
    }));
    for arm in &scenario.arms {
        let arm = Arm {
            name: word(arm),
            began: scenario.began,
            report: arm,
        };
        arm.lines(&mut show);
    }
    show(Line::Verdict(Verdict {
        verdict: scenario.verdict.name(),
        summary: scenario.summary.clone(),
    }));
}

fn word(arm: &ArmReport) -> &'static str {
    arm.arm.word()
}

struct Arm<'a> {
    name: &'static str,
    began: Instant,
    report: &'a ArmReport,
}

impl Arm<'_> {
    fn lines(&self, show: &mut impl FnMut(Line)) {
        let Self { report, .. } = self;
        let pods = report.pods.history.iter().map(|event| self.pod(event));
        pods.for_each(&mut *show);
        let endpoints = report.endpoints.iter().map(|event| self.endpoint(event));
        endpoints.for_each(&mut *show);
        for kind in &report.clients {
            let connections = (0..).zip(&kind.log.connections);
            let connections = connections.map(|(number, one)| self.connection(kind, number, one));
            connections.for_each(&mut *show);
            let requests = kind.log.requests.iter();
            let requests = requests.map(|one| self.request(kind, &kind.log, one));
            requests.for_each(&mut *show);
        }
    }

    fn ms(&self, at: Instant) -> f64 {
        // What a clock of microseconds can tell.
        (at.saturating_duration_since(self.began)).as_micros() as f64 / 1_000.0
    }

    fn pod(&self, event: &PodEvent) -> Line {
        Line::Pod(Pod {
            arm: self.name.into(),
            pod: event.pod,
            address: event.address.to_string(),
            at_ms: self.ms(event.at),
            what: event.what,
            detail: event.detail.clone(),
        })
    }

    fn endpoint(&self, event: &EndpointEvent) -> Line {
        Line::Endpoint(Endpoint {
            arm: self.name.into(),
            pod: event.pod,
            announced_ms: self.ms(event.announced),
            known_ms: self.ms(event.known),
            condition: event.condition,
        })
    }

    fn connection(&self, kind: &KindOutcome, number: u32, one: &log::Connection) -> Line {
        Line::Connection(Connection {
            arm: self.name.into(),
            kind: kind.kind.name().into(),
            client: one.client,
            connection: number,
            peer: one.peer.to_string(),
            opened_ms: self.ms(one.opened),
            ended_ms: one.ended.map(|(at, _)| self.ms(at)),
            ended: one.ended.map(|(_, how)| match how {
                log::Ended::ByClient => line::Ended::ByClient,
                log::Ended::Announced => line::Ended::Announced,
                log::Ended::Unannounced => line::Ended::Unannounced,
                log::Ended::WithRequest => line::Ended::WithRequest,
            }),
            tls: one.tls.map(|tls| line::Tls {
                certificate: tls.handshake.certificate,
                resumed: tls.handshake.resumed,
                end: tls.end.map(|end| match end {
                    log::TlsEnd::CloseNotify => line::TlsEnd::CloseNotify,
                    log::TlsEnd::Fin | log::TlsEnd::Truncated => line::TlsEnd::Truncated,
                }),
            }),
        })
    }

    fn request(&self, kind: &KindOutcome, log: &Log, one: &log::Request) -> Line {
        let after = |micros| self.ms(one.intended + Duration::from(micros));
        let failed = match &one.end {
            End::Failed(failed) => Some(failed),
            End::Complete | End::Unjudged | End::Overtaken => None,
        };
        let peer = failed.and_then(|failed| failed.peer);
        Line::Request(Request {
            arm: self.name.into(),
            kind: kind.kind.name().into(),
            client: one.client,
            connection: one.connection,
            peer: peer.or_else(|| log.peer(one)).map(|peer| peer.to_string()),
            intended_ms: self.ms(one.intended),
            started_ms: after(one.started),
            first_byte_ms: one.first_byte.map(after),
            ended_ms: after(one.ended),
            outcome: match one.end {
                End::Complete => Outcome::Complete,
                End::Unjudged => Outcome::Unjudged,
                End::Overtaken => Outcome::Overtaken,
                End::Failed(_) => Outcome::Failed,
            },
            failure: failed.map(|failed| Cow::from(failed.kind().name())),
            detail: failed.map(|failed| failed.detail().to_owned()),
            crossed: one.has_crossed(),
        })
    }
}
