//! `rehearse cluster --model`: a cluster's scenarios under the model.

use clap::ValueEnum as _;

use super::commands::{Cli, Command, Service};
use super::options::{Hooks, Rehearsal};
use super::parse::parse;
use super::plan::{BadInput, Plan, bad};
use super::scenarios::{Draft, percentages};
use crate::binaries::Binaries;
use crate::scenario::{Arm, Scenario};
use rehearse_arm::ArmName;
use rehearse_arm::load::Load;
use rehearse_cluster::{Cluster, OnModel};
use rehearse_report::options::Programs;

/// What a rehearsal on this machine is told, where `cluster` has no option for it: what is usual.
///
/// # Errors
/// None that a command line could bring about.
pub fn rehearsal_on_model(options: &Cluster) -> Result<Rehearsal, BadInput> {
    let words = ["rehearse", "rollout"];
    let Ok(Cli {
        command: Some(Command::Rollout(rollout)),
        ..
    }) = parse(words)
    else {
        return bad("rehearse", words.join(" "), "must be a rollout");
    };
    let mut told = rollout.rehearsal;
    told.arms.retain(|arm| match arm {
        ArmName::Control => !options.no_control,
        ArmName::Usual => false,
        ArmName::Service => true,
    });
    Ok(Rehearsal {
        seed: options.seed,
        limits: options.limits,
        files: options.files.clone(),
        programs: Programs {
            bin_dir: options.bin_dir.clone(),
        },
        output: options.output,
        ..told
    })
}

/// The scenarios of a cluster, for the model.
///
/// # Errors
/// If nothing is left of those that were asked for.
pub fn plan_on_model(
    options: &Cluster,
    told: &Rehearsal,
    binaries: &Binaries,
) -> Result<Plan, BadInput> {
    let (scenarios, left_out) = match rehearse_cluster::on_model(options) {
        Ok(found) => found,
        Err(error) => return bad("--only", "", &format!("{error:#}")),
    };
    for left_out in left_out {
        options
            .output
            .progress(format_args!("left out: {left_out}"));
    }
    let draft = Draft::new(told, binaries)?;
    let scenarios = scenarios.iter().map(|scenario| draft.on_model(scenario));
    Ok(Plan::new(scenarios.collect::<Result<_, _>>()?, binaries))
}

impl Draft<'_> {
    fn on_model(&self, scenario: &OnModel) -> Result<Scenario, BadInput> {
        let name = scenario.service;
        let Ok(service) = Service::from_str(name, false) else {
            return bad("--only", name, "must be of a bundled service");
        };
        let hooks = Hooks {
            no_prestop: scenario.without_prestop,
        };
        let usual = scenario.load.clone();
        let own = service.routes(&[]);
        let load = Load {
            routes: own,
            ..usual
        };
        let arm = |&name| Arm {
            name,
            program: service.program(name, (self.rehearsal, hooks), self.binaries, load.h2 > 0),
            load: load.clone(),
        };
        let spec = Self::rolling(scenario.replicas, percentages())?;
        let arms = self.arms.iter().map(arm).collect();
        Ok(Scenario {
            replacement_delay: scenario.ready_after,
            published: scenario.published,
            ..self.scenario(service.name(), spec, scenario.steps, arms)
        })
    }
}
