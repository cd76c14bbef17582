//! Runs one scenario: sets the arms up, runs them at the same time, and puts the figures together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::{join_all, try_join_all};
use tokio::sync::Barrier;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::addresses::Addresses;
use super::arm::{Arm, Connected, Route};
use super::drain_node::DrainedNode;
use super::expected_answer::answer;
use super::interrupt::unless;
use super::journal::Journal;
use super::options::Cluster;
use super::platform::ArmOnCluster;
use super::scenario::{Scenario, Task};
use super::scenario_load::load;
use rehearse_arm::load::Load;
use rehearse_arm::progress::{self, ArmProgress};
use rehearse_arm::{ArmError, ArmOutcome, ArmPlan, Together};
use rehearse_network::Sides;
use rehearse_platform::Step;

/// What all scenarios of a run share.
pub(super) struct Run<'a> {
    /// The command line.
    pub(super) options: &'a Cluster,
    /// Decides clients' schedules, alike in all arms.
    pub(super) seed: u64,
    /// Whether progress is kept to itself.
    pub(super) quiet: bool,
    /// The nodes' addresses by name.
    pub(super) nodes: BTreeMap<String, IpAddr>,
    /// The cluster.
    pub(super) cluster: Connected,
    /// The way back.
    pub(super) journal: &'a Journal,
    /// Ends the run early.
    pub(super) interrupt: &'a CancellationToken,
}

/// What came of a scenario.
pub(super) struct Outcomes {
    /// By arm.
    pub(super) arms: Vec<ArmOutcome>,
    /// When its load began.
    pub(super) began: Instant,
}

impl Run<'_> {
    /// Runs a scenario with these arms: all at once; but where latencies stand beside published ones,
    /// which are of one Deployment, one after the other: on a small machine, two updates at once would
    /// show in each other's. `None`: this cluster has no node that could be drained.
    ///
    /// # Errors
    /// If kubectl fails, something takes too long, or the load does not get under way.
    pub(super) async fn scenario(
        &self,
        task: &Task,
        arms: &[Arm],
    ) -> anyhow::Result<Option<Outcomes>> {
        let at_once = if task.scenario.is_published() {
            1
        } else {
            arms.len()
        };
        let mut all: Option<Outcomes> = None;
        for arms in arms.chunks(at_once) {
            if all.is_some() && self.interrupt.is_cancelled() {
                break;
            }
            let Some(outcomes) = self.together(task, arms).await? else {
                return Ok(None);
            };
            match &mut all {
                Some(all) => all.arms.extend(outcomes.arms),
                None => all = Some(outcomes),
            }
        }
        Ok(all)
    }

    /// Runs these arms at the same time.
    async fn together(&self, task: &Task, arms: &[Arm]) -> anyhow::Result<Option<Outcomes>> {
        let scenario = &task.scenario;
        let (addresses, loads) = unless(self.interrupt, self.set_up(task, arms)).await?;
        let node = match scenario.steps.step {
            Step::DrainNode => DrainedNode::choose(&self.cluster, self.journal, arms).await?,
            _ => None,
        };
        if scenario.steps.step == Step::DrainNode && node.is_none() {
            return Ok(None);
        }
        let began = Instant::now();
        self.cluster.pods.change(|pods| pods.gone.clear());
        self.cluster
            .endpoints
            .change(|endpoints| endpoints.begin(began));
        let progress: Vec<ArmProgress> = arms
            .iter()
            .map(|arm| ArmProgress::new(arm.name, scenario.steps))
            .collect();
        let together = Together {
            seed: self.seed,
            sides: Sides::here(),
            interrupt: self.interrupt.child_token(),
            barrier: Barrier::new(arms.len()),
        };
        let parts = arms.iter().zip(addresses).zip(&loads).zip(&progress);
        let runs = join_all(parts.map(|(((arm, addresses), load), progress)| {
            let platform = ArmOnCluster::new(arm, scenario, addresses, node.as_ref());
            let plan = ArmPlan {
                arm: arm.name,
                load,
                replicas: scenario.replicas as usize,
                steps: scenario.steps,
                // Clients see a node's address: how pods share their requests nobody could say.
                hold: Duration::ZERO,
                progress,
            };
            rehearse_arm::run(platform, plan, &together)
        }));
        let ran = tokio::select! {
            ran = runs => ran,
            never = progress::show(&progress, self.quiet) => match never {},
        };
        let arms: Result<_, _> = ran.into_iter().collect();
        if let Some(node) = node {
            node.give_back().await?;
        }
        let arms = arms.map_err(|error| match error {
            ArmError::Platform { cause, .. } => cause,
            error => anyhow!("{error}"),
        })?;
        Ok(Some(Outcomes { arms, began }))
    }

    /// Makes the arms what the scenario wants, and finds out where its clients go and what they get.
    async fn set_up(
        &self,
        task: &Task,
        arms: &[Arm],
    ) -> anyhow::Result<(Vec<Arc<Addresses>>, Vec<Load>)> {
        let scenario = &task.scenario;
        try_join_all(arms.iter().map(|arm| arm.set_up(scenario))).await?;
        let addresses = arms
            .iter()
            .map(|arm| Arc::new(self.addresses(arm, scenario)));
        let addresses: Vec<Arc<Addresses>> = addresses.collect();
        let parts = arms.iter().zip(&addresses);
        let answers = parts.map(|(arm, addresses)| {
            answer(arm, addresses, (&task.target, self.options.url.as_ref()))
        });
        let answers = try_join_all(answers).await?;
        let loads = answers.into_iter().map(|answer| {
            // What is not ours may answer anew each time.
            let answer = answer.filter(|_| task.is_bundled());
            load(task, answer, self.options)
        });
        Ok((addresses, loads.collect()))
    }

    fn addresses(&self, arm: &Arm, scenario: &Scenario) -> Addresses {
        match &arm.route {
            Route::Address(address) => Addresses::one(*address),
            Route::NodePort { port, policy } => {
                let addresses = Addresses::on_nodes(&self.nodes, *port);
                match scenario.variation.local || policy == "Local" {
                    true => {
                        let pods = self.cluster.pods.subscribe();
                        addresses.local(pods, arm.deployed.selector().clone())
                    }
                    false => addresses,
                }
            }
        }
    }
}
