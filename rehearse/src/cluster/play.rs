//! Plays one scenario: sets the arms up, puts them under load, takes the steps, waits until all
//! has settled, and puts the figures together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use futures_util::future::try_join_all;

use super::arm::Arm;
use super::asked::answer;
use super::drain_node::drain_node;
use super::drains::Drains;
use super::journal::Journal;
use super::kubectl::Kubectl;
use super::nodes::{Doors, PROPAGATION};
use super::options::Cluster;
use super::pods_left::ledger;
use super::scenario::{Act, Scenario};
use super::under::load;
use super::watch::Watch;
use crate::arm::ArmOutcome;
use crate::load::Running;
use crate::progress::{self, ArmProgress, Phase};
use crate::scenario::ArmName;
use rehearse_client::Endpoints;
use rehearse_model::ledger::Ledger;

/// How long clients may take to get their first responses.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What all scenarios of a run share.
pub(super) struct Stage<'a> {
    /// The command line.
    pub(super) options: &'a Cluster,
    /// Decides clients' schedules, alike in all arms.
    pub(super) seed: u64,
    /// Whether progress is kept to itself.
    pub(super) quiet: bool,
    /// Where the load goes, by node.
    pub(super) addresses: BTreeMap<String, IpAddr>,
    /// The cluster.
    pub(super) kubectl: Kubectl,
    /// Its pods.
    pub(super) watch: Arc<Watch>,
    /// The way back.
    pub(super) journal: &'a Journal,
}

/// Plays a scenario with these arms. `None`: this cluster has no node that could be drained.
///
/// # Errors
/// If kubectl fails, something takes too long, or the load does not get under way.
pub(super) async fn play(
    scenario: &Scenario,
    arms: &[Arm],
    stage: &Stage<'_>,
    drains: &mut Drains,
) -> anyhow::Result<Option<(Vec<ArmOutcome>, Duration)>> {
    let started = Instant::now();
    let progress: Vec<ArmProgress> = arms
        .iter()
        .map(|arm| ArmProgress::of(arm.name, scenario.act.noun(), scenario.times as u64))
        .collect();
    let played = tokio::select! {
        played = in_turn(scenario, arms, stage, &progress, drains) => played?,
        never = progress::show(&progress, stage.quiet) => match never {},
    };
    Ok(played.map(|outcomes| (outcomes, started.elapsed())))
}

/// All arms at once; but where latencies stand beside published ones, which are of one Deployment,
/// one after the other: on a small machine, two updates at once would show in each other's.
async fn in_turn(
    scenario: &Scenario,
    arms: &[Arm],
    stage: &Stage<'_>,
    progress: &[ArmProgress],
    drains: &mut Drains,
) -> anyhow::Result<Option<Vec<ArmOutcome>>> {
    let at_once = if scenario.is_published() {
        1
    } else {
        arms.len()
    };
    let mut all = Vec::new();
    for (arms, progress) in arms.chunks(at_once).zip(progress.chunks(at_once)) {
        let Some(mut outcomes) = act(scenario, arms, stage, progress).await? else {
            return Ok(None);
        };
        count_gone(scenario, arms, stage, &mut outcomes, drains);
        all.extend(outcomes);
    }
    Ok(Some(all))
}

/// Enters the pods that have gone.
fn count_gone(
    scenario: &Scenario,
    arms: &[Arm],
    stage: &Stage<'_>,
    outcomes: &mut [ArmOutcome],
    drains: &mut Drains,
) {
    let gone = stage.watch.take_gone();
    for (arm, outcome) in arms.iter().zip(outcomes) {
        let own = || gone.iter().filter(|gone| gone.pod.matches(&arm.selector));
        outcome.pods = ledger(own(), &arm.selector, &stage.watch.pods().borrow());
        if arm.name == ArmName::Service {
            for gone in own() {
                let message = gone.end.as_ref().map_or("", |end| &end.message);
                drains.enter(gone.pod.name(), message, scenario.is_lone());
            }
        }
    }
}

async fn act(
    scenario: &Scenario,
    arms: &[Arm],
    stage: &Stage<'_>,
    progress: &[ArmProgress],
) -> anyhow::Result<Option<Vec<ArmOutcome>>> {
    try_join_all(arms.iter().map(|arm| arm.set_up(scenario))).await?;
    // What the nodes have not heard of yet would be counted against the scenario.
    tokio::time::sleep(PROPAGATION).await;
    let doors: Vec<Arc<Doors>> = arms.iter().map(|arm| doors(arm, scenario, stage)).collect();
    let target = scenario.service.target();
    let asked = arms.iter().zip(&doors);
    let answers = try_join_all(asked.map(|(arm, doors)| answer(arm, doors, target))).await?;
    stage.watch.take_gone();

    let parts = arms.iter().zip(doors).zip(answers).zip(progress);
    let loads = try_join_all(parts.map(|(((arm, doors), answer), progress)| async move {
        let endpoints: Arc<dyn Endpoints> = doors;
        let load = load(scenario, answer, stage.options);
        let mut load = Running::start(&load, stage.seed, &endpoints);
        progress.watch(load.meters());
        progress.enter(Phase::WarmingUp);
        let under_way = load.under_way(START_LIMIT).await;
        under_way.map(|()| load).map_err(|example| {
            let seen = example.map_or_else(String::new, |e| format!(": {}, {}", e.kind, e.detail));
            let name = arm.deployment.name();
            anyhow!("no client of {name} got a good response, before any step{seen}")
        })
    }))
    .await?;

    progress.iter().for_each(|arm| arm.enter(Phase::Steps));
    if scenario.act == Act::DrainNode {
        let drained = drain_node(&stage.kubectl, stage.journal, arms, scenario.replicas).await?;
        if drained.is_none() {
            return Ok(None);
        }
        progress.iter().for_each(ArmProgress::step_taken);
    } else {
        let steps = arms.iter().zip(progress).map(|(arm, progress)| async move {
            let played = arm.play(scenario, progress).await;
            progress.enter(Phase::Settled);
            played
        });
        try_join_all(steps).await?;
    }
    progress.iter().for_each(|arm| arm.enter(Phase::Settling));
    // The last losses come when the last pods are gone, and some nodes do not know it yet.
    tokio::time::sleep(PROPAGATION).await;
    let mut outcomes = Vec::new();
    for (arm, mut load) in arms.iter().zip(loads) {
        outcomes.push(ArmOutcome {
            arm: arm.name,
            kinds: load.finish().await,
            pods: Ledger::default(),
            endpoints: Vec::new(),
            rtt: stage.options.rtt,
        });
    }
    Ok(Some(outcomes))
}

fn doors(arm: &Arm, scenario: &Scenario, stage: &Stage<'_>) -> Arc<Doors> {
    let doors = Doors::new(&stage.addresses, arm.node_port);
    let local = scenario.variation.local || arm.service.traffic_policy() == "Local";
    Arc::new(match local {
        true => doors.local(stage.watch.pods(), &arm.selector),
        false => doors,
    })
}
