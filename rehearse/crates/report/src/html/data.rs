//! The log, sorted by scenario and arm.

use super::arm::Arm;
use super::line::{Header, Line, Outcome, Scenario, Verdict};

/// The whole log.
#[derive(Debug, Default)]
pub(super) struct Log<'a> {
    pub(super) header: Option<&'a Header>,
    pub(super) scenes: Vec<Scene<'a>>,
}

/// A scenario.
#[derive(Debug, Default)]
pub(super) struct Scene<'a> {
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
        let arms = log.scenes.iter_mut().flat_map(|scene| &mut scene.arms);
        arms.for_each(Arm::finish);
        log
    }

    fn add(&mut self, line: &'a Line) {
        match line {
            Line::Log(header) => self.header = Some(header),
            Line::Scenario(scenario) => {
                let arms = scenario.arms.iter().map(|name| Arm::named(name));
                self.scenes.push(Scene {
                    scenario: Some(scenario),
                    arms: arms.collect(),
                    ..Scene::default()
                });
            }
            // Nobody may answer these, and they are in no figure.
            Line::Request(request) if request.outcome == Outcome::Overtaken => {}
            Line::Request(request) => {
                let scene = self.scene(request.ended_ms);
                scene.arm(&request.arm).requests.push(request);
            }
            Line::Connection(connection) => {
                let until = connection.ended_ms.unwrap_or(connection.opened_ms);
                let arm = self.scene(until).arm(&connection.arm);
                arm.connections.push(connection);
            }
            Line::Pod(pod) => self.scene(pod.at_ms).arm(&pod.arm).change(pod),
            Line::Endpoint(endpoint) => {
                let arm = self.scene(endpoint.known_ms).arm(&endpoint.arm);
                arm.endpoints.push(endpoint);
            }
            Line::Verdict(verdict) => self.scene(0.0).verdict = Some(verdict),
        }
    }

    /// The current scenario, which lasts until `at` at least. A log whose beginning is missing has
    /// one without a name.
    fn scene(&mut self, at: f64) -> &mut Scene<'a> {
        if self.scenes.is_empty() {
            self.scenes.push(Scene::default());
        }
        let last = self.scenes.len() - 1;
        let scene = &mut self.scenes[last];
        scene.end_ms = scene.end_ms.max(at);
        scene
    }
}

impl<'a> Scene<'a> {
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
