//! Scenarios from options: what each command means.

use std::time::Duration;

use super::clients::Mix;
use super::commands::{Command, Delete, Demonstration, Rollout, Scale, Service};
use super::load::{at_least_one, load, not_empty, only};
use super::options::{Hooks, Rehearsal, RollingUpdate, Updates};
use super::parse::parse;
use super::plan::{BadInput, bad};
use super::values::Bound;
use crate::binaries::Binaries;
use crate::scenario::{Arm, Scenario};
use rehearse_arm::ArmName;
use rehearse_arm::load::Load;
use rehearse_client::Method;
use rehearse_model::deployment::Spec;
use rehearse_platform::{Step, Steps};

/// As many as fit the larger part of a minute.
const DEMONSTRATION_ROLLOUTS: usize = 20;

/// More replicas than this are no rehearsal on one machine.
const MOST_REPLICAS: usize = 1_000;

/// `slow` under the conditions of the published figures.
const AS_PUBLISHED: &str = "rehearse rollout --service slow --replicas 10 --rollouts 1 --clients 190 \
    --think 0s --slow-clients 0 --rate 0 --uploads 0";

/// What all scenarios of a command line share.
pub(super) struct Draft<'a> {
    pub(super) rehearsal: &'a Rehearsal,
    pub(super) binaries: &'a Binaries,
    pub(super) arms: Vec<ArmName>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(rehearsal: &'a Rehearsal, binaries: &'a Binaries) -> Result<Self, BadInput> {
        if rehearsal.grace_period.is_zero() {
            return bad("--grace-period", "0s", "must be longer than 0s");
        }
        for pair in &rehearsal.environment.set {
            let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '_');
            if !pair.name.chars().all(plain) {
                return bad(
                    "--set",
                    &pair.name,
                    "must be a setting's key, such as drain.min=8s",
                );
            }
        }
        let mut arms = rehearsal.arms.clone();
        arms.sort_unstable();
        arms.dedup();
        Ok(Self {
            rehearsal,
            binaries,
            arms,
        })
    }

    /// `hello` under all that tears at kept and new connections, and `slow` as in the source.
    pub(super) fn demonstration(&self, args: &Demonstration) -> Result<Vec<Scenario>, BadInput> {
        let hello = format!("rehearse rollout --rollouts {DEMONSTRATION_ROLLOUTS}");
        let [hello, slow] = [&hello, AS_PUBLISHED].map(|words| {
            let cli = parse(words.split_whitespace());
            let Ok(Some(Command::Rollout(rollout))) = cli.map(|cli| cli.command) else {
                return bad("rehearse", words, "must be a rollout");
            };
            self.rollout(&Rollout {
                rolling: args.rolling,
                hooks: args.hooks,
                ..*rollout
            })
        });
        let published = self.rehearsal.environment.set.is_empty();
        Ok(vec![hello?, Scenario { published, ..slow? }])
    }

    pub(super) fn rollout(&self, args: &Rollout) -> Result<Scenario, BadInput> {
        let replicas = args.replicas.unwrap_or(args.mix.service.usual_replicas());
        let spec = Self::rolling(replicas, args.rolling)?;
        self.bundled(&args.mix, args.hooks, spec, updates(&args.updates)?)
    }

    pub(super) fn scale(&self, args: &Scale) -> Result<Scenario, BadInput> {
        let spec = spec_of("--from", args.from)?;
        spec_of("--to", args.to)?;
        if args.from == args.to {
            return bad("--to", args.to, "must differ from --from");
        }
        let steps = Steps::new(Step::ScaleTo(args.to), 1);
        let scenario = self.bundled(&args.mix, args.hooks, spec, steps)?;
        Ok(Scenario {
            hold: args.hold,
            ..scenario
        })
    }

    pub(super) fn delete(&self, args: &Delete) -> Result<Scenario, BadInput> {
        let spec = spec_of("--replicas", args.replicas)?;
        let steps = Steps::new(Step::Delete, at_least_one("--deletions", args.deletions)?);
        let scenario = self.bundled(&args.mix, args.hooks, spec, steps)?;
        Ok(Scenario {
            replacement_delay: args.replacement_delay,
            ..scenario
        })
    }

    fn bundled(
        &self,
        mix: &Mix,
        hooks: Hooks,
        spec: Spec,
        steps: Steps,
    ) -> Result<Scenario, BadInput> {
        let service = mix.service;
        if mix.method == Method::Post && service != Service::Hello {
            return bad("--method", "POST", "only with --service hello");
        }
        let routes = service.routes(&self.rehearsal.environment.set);
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
            method: mix.method,
            ..load(self.rehearsal, &mix.clients, routes, usual)?
        })?;
        let arm = |&name| {
            let program =
                service.program(name, (self.rehearsal, hooks), self.binaries, load.h2 > 0);
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
            grace: self.rehearsal.grace_period,
            replacement_delay: Duration::ZERO,
            hold: Duration::ZERO,
            published: false,
            transport: self.rehearsal.transport(),
        }
    }

    /// A Deployment that is updated.
    pub(super) fn rolling(replicas: usize, args: RollingUpdate) -> Result<Spec, BadInput> {
        let spec = spec_of("--replicas", replicas)?;
        if (args.max_surge, args.max_unavailable) == (Bound::Pods(0), Bound::Pods(0)) {
            let allowed = "must not be 0 if --max-unavailable is 0, too";
            return bad("--max-surge", 0, allowed);
        }
        let max_surge = match args.max_surge {
            Bound::Pods(pods) => pods,
            Bound::Percent(percent) => (replicas * percent).div_ceil(100),
        };
        let max_unavailable = match args.max_unavailable {
            Bound::Pods(pods) => pods,
            Bound::Percent(percent) => replicas * percent / 100,
        };
        // Kubernetes' own way out if percentages round both to none.
        let max_unavailable = max_unavailable.max(usize::from(max_surge == 0));
        Ok(Spec {
            max_surge,
            max_unavailable,
            ..spec
        })
    }
}

/// Kubernetes' own defaults.
pub(super) fn percentages() -> RollingUpdate {
    let quarter = Bound::Percent(25);
    RollingUpdate {
        max_surge: quarter,
        max_unavailable: quarter,
    }
}

/// A Deployment that is not updated.
fn spec_of(option: &'static str, replicas: usize) -> Result<Spec, BadInput> {
    if !(1..=MOST_REPLICAS).contains(&replicas) {
        return bad(option, replicas, &format!("must be 1 to {MOST_REPLICAS}"));
    }
    Ok(Spec {
        replicas,
        max_surge: 0,
        max_unavailable: 0,
    })
}

pub(super) fn updates(args: &Updates) -> Result<Steps, BadInput> {
    Ok(Steps {
        step: Step::RollOut,
        times: at_least_one("--rollouts", args.rollouts)?,
        pause: args.pause,
    })
}
