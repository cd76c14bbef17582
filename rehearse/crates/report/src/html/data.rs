//! The log, sorted by scenario and arm.

use super::arm::Arm;
use super::line::{Header, Line, Outcome, Scenario, Verdict};

/// The whole log.
#[derive(Debug, Default)]
pub(super) struct Log<'a> {
    pub(super) header: Option<&'a Header>,
    pub(super) scenarios: Vec<ScenarioLog<'a>>,
}

/// A scenario.
#[derive(Debug, Default)]
pub(super) struct ScenarioLog<'a> {
    pub(super) scenario: Option<&'a Scenario>,
    pub(super) verdict: Option<&'a Verdict>,
    pub(super) arms: Vec<Arm<'a>>,
    /// The last moment that the log knows of.
    pub(super) end_ms: f64,
}

impl<'a> Log<'a> {
    pub(super) fn of(lines: &'a [Line]) -> Self {
        let mut log = Self::default();
        for line in lines {
            log.add(line);
        }
        let arms = log
            .scenarios
            .iter_mut()
            .flat_map(|scenario_log| &mut scenario_log.arms);
        arms.for_each(Arm::finish);
        log
    }

    fn add(&mut self, line: &'a Line) {
        match line {
            Line::Log(header) => self.header = Some(header),
            Line::Scenario(scenario) => {
                let arms = scenario.arms.iter().map(|name| Arm::named(name));
                self.scenarios.push(ScenarioLog {
                    scenario: Some(scenario),
                    arms: arms.collect(),
                    ..ScenarioLog::default()
                });
            }
            // Nobody may answer these, and they are in no figure.
            Line::Request(request) if request.outcome == Outcome::Overtaken => {}
            Line::Request(request) => {
                let scenario_log = self.scenario_log(request.ended_ms);
                scenario_log.arm(&request.arm).requests.push(request);
            }
            Line::Connection(connection) => {
                let until = connection.ended_ms.unwrap_or(connection.opened_ms);
                let arm = self.scenario_log(until).arm(&connection.arm);
                arm.connections.push(connection);
            }
            Line::Pod(pod) => self.scenario_log(pod.at_ms).arm(&pod.arm).change(pod),
            Line::Endpoint(endpoint) => {
                let arm = self.scenario_log(endpoint.known_ms).arm(&endpoint.arm);
                arm.endpoints.push(endpoint);
            }
            Line::Verdict(verdict) => self.scenario_log(0.0).verdict = Some(verdict),
        }
    }

    /// The current scenario, which lasts until `at` at least. A log whose beginning is missing has
    /// one without a name.
    fn scenario_log(&mut self, at: f64) -> &mut ScenarioLog<'a> {
        if self.scenarios.is_empty() {
            self.scenarios.push(ScenarioLog::default());
        }
        let last = self.scenarios.len() - 1;
        let scenario_log = &mut self.scenarios[last];
        scenario_log.end_ms = scenario_log.end_ms.max(at);
        scenario_log
    }
}

impl<'a> ScenarioLog<'a> {
    fn arm(&mut self, name: &'a str) -> &mut Arm<'a> {
        let known = self.arms.iter().position(|arm| arm.name == name);
        let index = known.unwrap_or_else(|| {
            self.arms.push(Arm::named(name));
            self.arms.len() - 1
        });
        &mut self.arms[index]
    }

    pub(super) fn service(&self) -> &'a str {
        self.scenario
            .map_or("scenario", |scenario| &scenario.service)
    }
}
