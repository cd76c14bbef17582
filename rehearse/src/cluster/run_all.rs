//! All scenarios of a run, one after another.

use std::sync::Arc;
use std::time::Duration;

use super::arm::Arm;
use super::drain_reports::Drains;
use super::foreign_prestop::{self, Refusal};
use super::journal::Journal;
use super::kubectl::Kubectl;
use super::options::Cluster;
use super::report::Row;
use super::run_scenario::{Stage, play};
use super::scenario::{Scenario, Service};
use super::scenarios::ALL;
use super::watch::Watch;
use super::{Output, find_deployment};

/// What has come of a run so far.
#[derive(Default)]
pub(super) struct Results {
    pub(super) rows: Vec<Row>,
    pub(super) left_out: Vec<String>,
    pub(super) drains: Drains,
    pub(super) drain_min: Duration,
    pub(super) stranger: Option<Refusal>,
    pub(super) gaps: u64,
}

/// Plays the scenarios that were asked for, one after another; what comes of each is in `results` at
/// once, so that it is there whatever ends the run.
pub(super) async fn play_all(
    options: &Cluster,
    (seed, output): (u64, Output),
    kubectl: &Kubectl,
    journal: &Journal,
    results: &mut Results,
) -> anyhow::Result<()> {
    let scenarios = match options.only.is_empty() {
        true => ALL.to_vec(),
        false => options.only.clone(),
    };
    let stage = Stage {
        options,
        seed,
        quiet: output.quiet,
        addresses: find_deployment::addresses(options, kubectl).await?,
        kubectl: kubectl.clone(),
        watch: Arc::new(Watch::start(kubectl)?),
        journal,
    };
    let cast = cast(&scenarios, &stage, output).await?;
    if let Some((_, arms)) = cast.first() {
        output.progress("another pod tries to drain one of the service");
        results.stranger = Some(foreign_prestop::asks(&arms[0], journal).await?);
    }
    for scenario in &scenarios {
        let Some((_, arms)) = cast
            .iter()
            .find(|(service, _)| *service == scenario.service)
        else {
            continue;
        };
        results.drain_min = arms[0].deployment.drain_min();
        output.progress(scenario);
        match play(scenario, arms, &stage, &mut results.drains).await? {
            Some((outcomes, took)) => {
                let row = Row::new(scenario, outcomes, took);
                output.text(row.report.text());
                results.rows.push(row);
            }
            None => {
                let why = "no node with pods of all arms, and another that can take them";
                results.left_out.push(format!("{} ({why})", scenario.name));
            }
        }
        results.gaps = stage.watch.gaps();
    }
    Ok(())
}

/// The arms by service, the service's own first. All services are looked for before anything is
/// changed.
async fn cast(
    scenarios: &[Scenario],
    stage: &Stage<'_>,
    output: Output,
) -> anyhow::Result<Vec<(Service, Vec<Arm>)>> {
    let mut services: Vec<Service> = scenarios.iter().map(|s| s.service).collect();
    services.sort_unstable();
    services.dedup();
    let mut cast = Vec::new();
    for service in services {
        let arm = find_deployment::find(service, &stage.kubectl, &stage.watch).await?;
        cast.push((service, vec![arm]));
    }
    for (service, arms) in &mut cast {
        find_deployment::note(&arms[0], stage.journal);
        if let Some(image) = &stage.options.control_image {
            output.progress(format_args!("the control of {} starts", service.name()));
            let control = find_deployment::control(&arms[0], image, stage.journal).await?;
            arms.push(control);
        }
    }
    Ok(cast)
}
