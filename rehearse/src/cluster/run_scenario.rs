//! Runs one scenario: sets the arms up, puts them under load, takes the steps, waits until the last
//! replaced pod has gone, and puts the figures together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::addresses::Addresses;
use super::arm::{Arm, Connected, Route};
use super::drain_node::drain_node;
use super::drain_reports::Drains;
use super::expected_answer::answer;
use super::journal::Journal;
use super::options::Cluster;
use super::pod_ends::ArmPods;
use super::scenario::{Act, Scenario, Task};
use super::scenario_load::load;
use crate::arm::ArmOutcome;
use crate::load::{KindOutcome, Running};
use crate::progress::{self, ArmProgress, Phase};
use crate::scenario::ArmName;
use rehearse_client::Endpoints;

/// How long clients may take to get their first responses.
const START_LIMIT: Duration = Duration::from_secs(60);

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
}

/// What came of a scenario.
pub(super) struct Outcomes {
    /// By arm.
    pub(super) arms: Vec<ArmOutcome>,
    /// When its load began.
    pub(super) began: Instant,
}

impl Run<'_> {
    /// Runs a scenario with these arms. `None`: this cluster has no node that could be drained.
    ///
    /// # Errors
    /// If kubectl fails, something takes too long, or the load does not get under way.
    pub(super) async fn scenario(
        &self,
        task: &Task,
        arms: &[Arm],
        drains: &mut Drains,
    ) -> anyhow::Result<Option<Outcomes>> {
        let Scenario { act, times, .. } = task.scenario;
        let progress: Vec<ArmProgress> = arms
            .iter()
            .map(|arm| ArmProgress::of(arm.name, act.noun(), times as u64))
            .collect();
        tokio::select! {
            outcomes = self.in_turn(task, arms, &progress, drains) => outcomes,
            never = progress::show(&progress, self.quiet) => match never {},
        }
    }

    /// All arms at once; but where latencies stand beside published ones, which are of one Deployment,
    /// one after the other: on a small machine, two updates at once would show in each other's.
    async fn in_turn(
        &self,
        task: &Task,
        arms: &[Arm],
        progress: &[ArmProgress],
        drains: &mut Drains,
    ) -> anyhow::Result<Option<Outcomes>> {
        let at_once = if task.scenario.is_published() {
            1
        } else {
            arms.len()
        };
        let mut all: Option<Outcomes> = None;
        for (arms, progress) in arms.chunks(at_once).zip(progress.chunks(at_once)) {
            let Some((began, kinds)) = self.together(task, arms, progress).await? else {
                return Ok(None);
            };
            let outcomes = self.outcomes(task, arms, kinds, drains);
            let all = all.get_or_insert(Outcomes {
                arms: Vec::new(),
                began,
            });
            all.arms.extend(outcomes);
        }
        Ok(all)
    }

    /// Puts together what became of clients, pods and endpoints.
    fn outcomes(
        &self,
        task: &Task,
        arms: &[Arm],
        kinds: Vec<Vec<KindOutcome>>,
        drains: &mut Drains,
    ) -> Vec<ArmOutcome> {
        let gone = self
            .cluster
            .pods
            .change(|pods| std::mem::take(&mut pods.gone));
        let outcome = |(arm, kinds): (&Arm, Vec<KindOutcome>)| {
            let pods = &self.cluster.pods;
            let pods = pods.read(|pods| ArmPods::of(arm, &gone, pods));
            if arm.name == ArmName::Service {
                for (pod, message) in pods.messages() {
                    drains.enter(pod, message, task.scenario.is_lone());
                }
            }
            let service = arm.service.as_deref().unwrap_or_default();
            let endpoints = &self.cluster.endpoints;
            ArmOutcome {
                arm: arm.name,
                kinds,
                endpoints: endpoints.read(|endpoints| pods.endpoints(service, endpoints)),
                pods: pods.ledger(),
                rtt: self.options.rtt,
            }
        };
        arms.iter().zip(kinds).map(outcome).collect()
    }

    /// Runs these arms at the same time: when their load began, and what came of each arm's clients.
    async fn together(
        &self,
        task: &Task,
        arms: &[Arm],
        progress: &[ArmProgress],
    ) -> anyhow::Result<Option<(Instant, Vec<Vec<KindOutcome>>)>> {
        let scenario = &task.scenario;
        try_join_all(arms.iter().map(|arm| arm.set_up(scenario))).await?;
        let addresses = arms
            .iter()
            .map(|arm| Arc::new(self.addresses(arm, scenario)));
        let addresses: Vec<Arc<Addresses>> = addresses.collect();
        let parts = arms.iter().zip(&addresses);
        let answers = parts.map(|(arm, addresses)| answer(arm, addresses, &task.target));
        let answers = try_join_all(answers).await?;

        let began = Instant::now();
        self.cluster.pods.change(|pods| pods.gone.clear());
        self.cluster
            .endpoints
            .change(|endpoints| endpoints.begin(began));
        let parts = arms.iter().zip(addresses).zip(answers).zip(progress);
        let loads = parts.map(|(((arm, addresses), answer), progress)| {
            // What is not ours may answer anew each time.
            let answer = answer.filter(|_| task.is_bundled());
            self.under_load(task, arm, addresses, answer, progress)
        });
        let loads = try_join_all(loads).await?;

        progress.iter().for_each(|arm| arm.enter(Phase::Steps));
        if !self.take_steps(scenario, arms, progress).await? {
            return Ok(None);
        }
        progress.iter().for_each(|arm| arm.enter(Phase::Settling));
        // The last losses come when the last pods are gone, and some nodes do not know it yet.
        try_join_all(arms.iter().map(Arm::known_to_nodes)).await?;
        let mut kinds = Vec::new();
        for mut load in loads {
            kinds.push(load.finish().await);
        }
        Ok(Some((began, kinds)))
    }

    /// `false`: there is no node that can be drained.
    async fn take_steps(
        &self,
        scenario: &Scenario,
        arms: &[Arm],
        progress: &[ArmProgress],
    ) -> anyhow::Result<bool> {
        if scenario.act == Act::DrainNode {
            let drained = drain_node(&self.cluster, self.journal, arms, scenario.replicas).await?;
            progress.iter().for_each(ArmProgress::step_taken);
            return Ok(drained.is_some());
        }
        let steps = arms.iter().zip(progress).map(|(arm, progress)| async move {
            let taken = arm.take_steps(scenario, progress).await;
            progress.enter(Phase::Settled);
            taken
        });
        try_join_all(steps).await?;
        Ok(true)
    }

    async fn under_load(
        &self,
        task: &Task,
        arm: &Arm,
        addresses: Arc<Addresses>,
        answer: Option<String>,
        progress: &ArmProgress,
    ) -> anyhow::Result<Running> {
        let endpoints: Arc<dyn Endpoints> = addresses;
        let load = load(task, answer, self.options);
        let mut load = Running::start(&load, self.seed, &endpoints);
        progress.watch(load.meters());
        progress.enter(Phase::WarmingUp);
        let under_way = load.under_way(START_LIMIT).await;
        under_way.map(|()| load).map_err(|example| {
            let seen = example.map_or_else(String::new, |e| format!(": {}, {}", e.kind, e.detail));
            let name = arm.deployed.name();
            anyhow!("no client of {name} got a good response, before any step{seen}")
        })
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
