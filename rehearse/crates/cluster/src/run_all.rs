//! All scenarios of a run, one after another.

use std::sync::Arc;
use std::time::Duration;

use super::addresses;
use super::arm::{Arm, Connected, Route};
use super::arms;
use super::followed::Followed;
use super::foreign_prestop::{self, Refusal};
use super::interrupt::unless;
use super::journal::Journal;
use super::kubectl::Kubectl;
use super::options::Cluster;
use super::report::Row;
use super::run_scenario::{Outcomes, Run};
use super::scenario::Task;
use super::scenarios::Selection;
use super::{Conditions, Output};
use rehearse_report::Verdict;
use tokio_util::sync::CancellationToken;

/// What has come of a run so far.
#[derive(Default)]
pub(super) struct Results {
    pub(super) rows: Vec<Row>,
    pub(super) left_out: Vec<String>,
    pub(super) drain_min: Duration,
    pub(super) foreign_prestop: Option<Refusal>,
}

/// Runs the scenarios that were asked for, one after another; what comes of each is in `results` and in
/// the log at once, so that it is there whatever ends the run.
pub(super) async fn run_all(
    options: &Cluster,
    selection: &Selection,
    conditions: &mut Conditions,
    kubectl: &Kubectl,
    journal: &Journal,
    results: &mut Results,
    interrupt: &CancellationToken,
) -> anyhow::Result<()> {
    let Conditions {
        seed,
        limits,
        output,
        files,
    } = conditions;
    let connected = async {
        Ok(Run {
            options,
            seed: *seed,
            quiet: output.quiet,
            nodes: addresses::of_nodes(options, kubectl).await?,
            cluster: Connected {
                kubectl: kubectl.clone(),
                pods: Arc::new(Followed::start(kubectl).await?),
                endpoints: Arc::new(Followed::start(kubectl).await?),
            },
            journal,
            interrupt,
        })
    };
    let run = unless(interrupt, connected).await?;
    let arms = unless(interrupt, arms(selection, &run, *output)).await?;
    if let Some(arms) = arms.first() {
        output.progress("another pod tries to drain one of the service");
        let attempt = foreign_prestop::attempt(&arms[0], journal);
        results.foreign_prestop = unless(interrupt, attempt).await?;
    }
    for task in &selection.tasks {
        let mut of = arms.iter();
        let Some(arms) = of.find(|arms| arms[0].deployed.name() == task.deployment) else {
            continue;
        };
        results.drain_min = arms[0].deployed.drain_min();
        match one(task, arms, &run, *output).await? {
            Ok(outcomes) => {
                let row = Row::new(task, outcomes, limits, interrupt.is_cancelled());
                output.text(row.report.text());
                files.scenario(&row.report)?;
                let interrupted = row.report.verdict == Verdict::Interrupted;
                results.rows.push(row);
                if interrupted {
                    break;
                }
            }
            Err(why) => {
                let name = task.scenario.name;
                results.left_out.push(format!("{name} ({why})"));
            }
        }
    }
    Ok(())
}

/// One scenario, or why there is none.
async fn one(
    task: &Task,
    arms: &[Arm],
    run: &Run<'_>,
    output: Output,
) -> anyhow::Result<Result<Outcomes, &'static str>> {
    let on_node_port = matches!(arms[0].route, Route::NodePort { .. });
    if let Some(why) = task.unfit(&arms[0].deployed, on_node_port) {
        return Ok(Err(why));
    }
    output.progress(task);
    let outcomes = run.scenario(task, arms).await?;
    Ok(outcomes.ok_or("no node with pods of all arms, and another that can take them"))
}

/// The arms by Deployment, the service's own first. All Deployments are looked for before anything is
/// changed.
async fn arms(
    selection: &Selection,
    run: &Run<'_>,
    output: Output,
) -> anyhow::Result<Vec<Vec<Arm>>> {
    let (options, cluster, journal) = (run.options, &run.cluster, run.journal);
    let (mut names, mut found) = (Vec::new(), Vec::new());
    for Task {
        deployment,
        scenario,
        ..
    } in &selection.tasks
    {
        if !names.contains(&deployment) {
            names.push(deployment);
            found.push(arms::find(deployment, scenario.service, options, cluster).await?);
        }
    }
    let mut all = Vec::new();
    for (name, found) in names.into_iter().zip(found) {
        let mut arms = vec![found.arm(options, cluster, journal).await?];
        if let Some(image) = &options.control_image {
            output.progress(format_args!("the control of {name} starts"));
            arms.push(found.control(image, cluster, journal).await?);
        }
        all.push(arms);
    }
    Ok(all)
}
