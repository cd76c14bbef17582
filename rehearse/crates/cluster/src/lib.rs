//! `rehearse cluster`: the strict load on a real Deployment, through `kubectl`, while it is updated,
//! scaled, deleted from, evicted from and drained.
//!
//! Arms, clients, log and verdict are those of a rehearsal under the model; what differs is who replaces
//! the pods. The Deployment stands beside a control that is a copy of it.
//! Whatever is changed is entered into a journal first, and taken back at the end, whichever end that
//! is.

mod addresses;
mod arm;
mod arms;
mod control;
mod deployed;
mod drain_node;
mod endpoints;
mod expected_answer;
mod followed;
mod foreign_prestop;
mod interrupt;
mod journal;
mod kinds_tables;
mod kubectl;
mod message;
mod on_model;
mod options;
mod platform;
mod pod_ends;
mod pods;
mod report;
mod run_all;
mod run_scenario;
mod scenario;
mod scenario_load;
mod scenarios;
mod services;
mod text;
mod watch_events;

use anyhow::bail;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

pub use self::on_model::{OnModel, on_model};
pub use self::options::Cluster;

use self::interrupt::Interrupted;
use self::journal::Journal;
use self::kubectl::Kubectl;
use self::report::Report;
use self::run_all::{Results, run_all};
use rehearse_report::Limits;
use rehearse_report::events::file::Files;
use rehearse_report::options::Output;

/// What holds for a whole run.
#[derive(Debug)]
pub struct Conditions {
    /// Decides the clients' schedules.
    pub seed: u64,
    /// What is demanded of the service.
    pub limits: Limits,
    /// How it shows itself.
    pub output: Output,
    /// What it writes.
    pub files: Files,
}

/// Why nothing is run.
#[derive(Debug, Error)]
pub enum Refused {
    /// An option is missing, or has a value that cannot be used.
    #[error("{0}")]
    BadUsage(String),
    /// There is no kubectl.
    #[error("{0:#}")]
    Unavailable(anyhow::Error),
}

/// Refuses what cannot be rehearsed, before anything is written or changed. `descriptors`: how many this
/// process may have.
///
/// # Errors
/// With what is wrong, which option, and what is allowed.
pub async fn check(options: &Cluster, descriptors: u64) -> Result<(), Refused> {
    let selected = scenarios::selected(options);
    selected.map_err(|error| Refused::BadUsage(error.to_string()))?;
    let needed = needed_descriptors(options);
    if needed > descriptors {
        let why = format!(
            "{needed} descriptors needed, and ulimit -n is {descriptors}: fewer clients, or a \
             higher limit"
        );
        return Err(Refused::BadUsage(why));
    }
    let contexts = Kubectl::contexts().await;
    let contexts = contexts.map_err(|error| Refused::Unavailable(error.into()))?;
    named(options.context.as_deref(), &contexts).map_err(Refused::BadUsage)
}

fn named(context: Option<&str>, contexts: &[String]) -> Result<(), String> {
    let all = match contexts.is_empty() {
        true => "and there is none: see kubectl config".to_owned(),
        false => format!("must be one of {}", contexts.join(", ")),
    };
    match context {
        None => Err(format!(
            "--context is missing (the current one may be anybody's): {all}"
        )),
        Some(context) if !contexts.iter().any(|one| one == context) => {
            Err(format!("--context = {context}: {all}"))
        }
        Some(_) => Ok(()),
    }
}

/// Runs the scenarios that were asked for, prints their figures, and hands back the exit code. What it
/// changes on the cluster is as before when this returns. `interrupt` ends it early: then the figures
/// are those so far, and there is no verdict.
///
/// # Errors
/// If `kubectl` or the cluster fails, something asked for is not there, the load does not get under
/// way; and if something could not be restored.
pub async fn run(
    options: &Cluster,
    mut conditions: Conditions,
    interrupt: &CancellationToken,
) -> anyhow::Result<u8> {
    let context = options.context.as_deref().unwrap_or_default();
    let kubectl = Kubectl::new(context, &options.namespace);
    let journal = Journal::new(kubectl.clone());
    let selection = scenarios::selected(options)?;
    let mut results = Results {
        left_out: selection.left_out.clone(),
        ..Results::default()
    };
    let done = run_all(
        options,
        &selection,
        &mut conditions,
        &kubectl,
        &journal,
        &mut results,
        interrupt,
    );
    let done = match done.await {
        Err(error) if error.is::<Interrupted>() => Ok(()),
        done => done,
    };
    if !journal.is_empty() {
        let output = conditions.output;
        output.progress("taking back what was changed on the cluster");
    }
    let left = journal.restore().await;
    let end = match (&done, interrupt.is_cancelled()) {
        (Err(_), _) => End::Failed,
        (Ok(()), true) => End::Interrupted,
        (Ok(()), false) => End::Whole,
    };
    let code = show(conditions, results, end)?;
    if !left.is_empty() {
        let by_hand = format!(
            "this could not be taken back; by hand:\n  {}",
            left.join("\n  ")
        );
        match end {
            End::Whole => bail!(by_hand),
            End::Interrupted | End::Failed => eprintln!("rehearse: {by_hand}"),
        }
    } else if end == End::Interrupted {
        eprintln!("rehearse: interrupted; what was changed on the cluster has been taken back");
    }
    done.map(|()| code)
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    Interrupted,
    Failed,
}

/// One for each client of two arms, a connection anew each second of three; and some.
fn needed_descriptors(options: &Cluster) -> u64 {
    2 * (u64::from(options.clients).max(200) + 3 * u64::from(options.rate)) + 100
}

/// Prints what there is; documents only if nothing failed, and files only if the run is whole.
fn show(conditions: Conditions, results: Results, end: End) -> anyhow::Result<u8> {
    let Conditions {
        seed,
        limits,
        output,
        files,
    } = conditions;
    let (empty, drain_min) = (results.rows.is_empty(), results.drain_min);
    if empty && end == End::Whole {
        bail!("nothing could be run: {}", results.left_out.join("; "));
    }
    let report = Report::new(seed, &limits, results, end == End::Interrupted);
    match output.json {
        true if end != End::Failed => println!("{}", serde_json::to_string_pretty(&report)?),
        false if !empty => println!("{}", report.text(drain_min)),
        _ => {}
    }
    if end == End::Whole {
        let scenarios = report.scenarios.iter().map(|row| &row.report);
        files.finish(scenarios, Some((report.verdict, &report.summary)))?;
    }
    Ok(report.exit_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_one_that_there_is_and_never_the_current_one() {
        let contexts = ["kind-lastcall", "production"].map(str::to_owned);
        assert_eq!(named(Some("kind-lastcall"), &contexts), Ok(()));
        let all = "must be one of kind-lastcall, production";
        for (context, why) in [
            (Some("kind"), "--context = kind: "),
            (
                None,
                "--context is missing (the current one may be anybody's): ",
            ),
        ] {
            assert_eq!(named(context, &contexts), Err(format!("{why}{all}")));
        }
        let none = named(None, &[]).unwrap_err();
        assert!(
            none.ends_with("and there is none: see kubectl config"),
            "{none}"
        );
    }
}
