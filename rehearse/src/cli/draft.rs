//! Scenarios from arguments: what each command means.

use std::time::Duration;

use super::loads::{USUAL_CLIENTS, at_least_one, load, not_empty, only};
use super::options::{Clients, Common, Delete, Mix, Rollout, Scale, Service};
use super::plan::{BadInput, bad};
use super::values::Bound;
use crate::binaries::Binaries;
use crate::load::Load;
use crate::scenario::{Arm, ArmName, Scenario, Steps};
use rehearse_client::{Method, Think};
use rehearse_model::deployment::Spec;

/// As many as fit the larger part of a minute.
const DEMONSTRATION_ROLLOUTS: usize = 20;

/// More replicas than this are no rehearsal on one machine.
const MOST_REPLICAS: usize = 1_000;

/// What all scenarios of a command line share.
pub(super) struct Draft<'a> {
    pub(super) common: &'a Common,
    pub(super) binaries: &'a Binaries,
    pub(super) arms: Vec<ArmName>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(common: &'a Common, binaries: &'a Binaries) -> Result<Self, BadInput> {
        if common.grace_period.is_zero() {
            return bad("--grace-period", "0s", "must be longer than 0s");
        }
        if (common.max_surge, common.max_unavailable) == (Bound::Pods(0), Bound::Pods(0)) {
            return bad(
                "--max-surge",
                0,
                "must not be 0 if --max-unavailable is 0, too",
            );
        }
        for pair in &common.set {
            let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '_');
            if !pair.name.chars().all(plain) {
                return bad(
                    "--set",
                    &pair.name,
                    "must be a setting's key, such as drain.min=8s",
                );
            }
        }
        let mut arms = common.arms.clone();
        arms.sort_unstable();
        arms.dedup();
        Ok(Self {
            common,
            binaries,
            arms,
        })
    }

    /// `hello` under all that tears at kept and new connections, and `slow` as in the source.
    pub(super) fn demonstration(&self) -> Result<Vec<Scenario>, BadInput> {
        let hello = self.rollout(&Rollout {
            mix: Mix::of(
                Service::Hello,
                Clients {
                    clients: None,
                    rate: None,
                    ..USUAL_CLIENTS
                },
            ),
            replicas: None,
            rollouts: DEMONSTRATION_ROLLOUTS,
            pause: Duration::ZERO,
        })?;
        let clients = Clients {
            clients: Some(190),
            slow_clients: Some(0),
            rate: Some(0.0),
            think: Think::Steady(Duration::ZERO),
            ..USUAL_CLIENTS
        };
        let slow = self.rollout(&Rollout {
            mix: Mix {
                uploads: Some(0),
                ..Mix::of(Service::Slow, clients)
            },
            replicas: Some(10),
            rollouts: 1,
            pause: Duration::ZERO,
        })?;
        let published = self.common.set.is_empty();
        Ok(vec![hello, Scenario { published, ..slow }])
    }

    pub(super) fn rollout(&self, args: &Rollout) -> Result<Scenario, BadInput> {
        let replicas = args.replicas.unwrap_or(args.mix.service.usual_replicas());
        let spec = self.spec("--replicas", replicas)?;
        let steps = Steps::RollOuts {
            count: at_least_one("--rollouts", args.rollouts)?,
            pause: args.pause,
        };
        self.bundled(&args.mix, spec, steps)
    }

    pub(super) fn scale(&self, args: &Scale) -> Result<Scenario, BadInput> {
        let spec = self.spec("--from", args.from)?;
        self.spec("--to", args.to)?;
        if args.from == args.to {
            return bad("--to", args.to, "must differ from --from");
        }
        self.bundled(&args.mix, spec, Steps::ScaleTo(args.to))
    }

    pub(super) fn delete(&self, args: &Delete) -> Result<Scenario, BadInput> {
        let spec = self.spec("--replicas", args.replicas)?;
        let steps = Steps::Deletions(at_least_one("--deletions", args.deletions)?);
        let scenario = self.bundled(&args.mix, spec, steps)?;
        Ok(Scenario {
            replacement_delay: args.replacement_delay,
            ..scenario
        })
    }

    fn bundled(&self, mix: &Mix, spec: Spec, steps: Steps) -> Result<Scenario, BadInput> {
        let service = mix.service;
        if mix.clients.method == Method::Post && service != Service::Hello {
            return bad("--method", "POST", "only with --service hello, or run");
        }
        let (target, expect) = service.target(&self.common.set);
        let usual = service.usual_load();
        let (slow, streaming) = (Service::Slow, Service::Streaming);
        let of =
            |owners: &[Service], option, given, usual| only(service, owners, option, given, usual);
        let load = not_empty(Load {
            uploads: of(&[slow, streaming], "--uploads", mix.uploads, usual.uploads)?,
            downloads: of(&[streaming], "--downloads", mix.downloads, usual.downloads)?,
            events: of(
                &[streaming],
                "--event-streams",
                mix.event_streams,
                usual.events,
            )?,
            websockets: of(
                &[streaming],
                "--websockets",
                mix.websockets,
                usual.websockets,
            )?,
            slow_streams: service == streaming,
            ..load(self.common, &mix.clients, (target, expect), usual)?
        })?;
        let arm = |&name| {
            let program = service.program(name, self.common, self.binaries, load.h2 > 0);
            Arm {
                name,
                program,
                load: load.clone(),
            }
        };
        Ok(self.scenario(
            service.name(),
            spec,
            steps,
            self.arms.iter().map(arm).collect(),
        ))
    }

    pub(super) fn scenario(
        &self,
        service: &str,
        spec: Spec,
        steps: Steps,
        arms: Vec<Arm>,
    ) -> Scenario {
        Scenario {
            service: service.to_owned(),
            spec,
            steps,
            arms,
            grace: self.common.grace_period,
            replacement_delay: Duration::ZERO,
            published: false,
        }
    }

    pub(super) fn spec(&self, option: &'static str, replicas: usize) -> Result<Spec, BadInput> {
        if !(1..=MOST_REPLICAS).contains(&replicas) {
            return bad(option, replicas, &format!("must be 1 to {MOST_REPLICAS}"));
        }
        let max_surge = match self.common.max_surge {
            Bound::Pods(pods) => pods,
            Bound::Percent(percent) => (replicas * percent).div_ceil(100),
        };
        let max_unavailable = match self.common.max_unavailable {
            Bound::Pods(pods) => pods,
            Bound::Percent(percent) => replicas * percent / 100,
        };
        // Kubernetes' own way out if percentages round both to none.
        let max_unavailable = max_unavailable.max(usize::from(max_surge == 0));
        Ok(Spec {
            replicas,
            max_surge,
            max_unavailable,
        })
    }
}
