//! `rehearse cluster`: the strict load on real Deployments, through `kubectl`, while they are
//! updated, scaled, deleted, evicted and drained.
//!
//! Arms, clients and verdict are those of a rehearsal under the model ([`crate::rehearsal`]); what
//! differs is who replaces the pods. Each service stands beside a control that is a copy of its
//! Deployment. Whatever is changed is entered into a journal first, and taken back at the end,
//! whichever end that is.

mod arm;
mod arms;
mod asked;
mod control;
mod deployment;
mod drain_node;
mod drains;
mod events;
mod journal;
mod kinds;
mod kubectl;
mod nodes;
mod options;
mod plan;
mod play;
mod playlist;
mod pod;
mod pods_left;
mod report;
mod said;
mod scenario;
mod steps;
mod stranger;
mod text;
mod under;
mod watch;

use anyhow::bail;
use tokio_util::sync::CancellationToken;

pub use self::options::Cluster;

use self::journal::Journal;
use self::kubectl::Kubectl;
use self::playlist::{Results, play_all};
use self::report::Report;
use crate::cli::Output;
use crate::limits;

/// The exit code of arguments that cannot be used.
const BAD_USAGE: u8 = 64;

/// Plays the scenarios that were asked for, and prints their figures. What it changes on the
/// cluster is as before when this returns. `None`: interrupted.
///
/// # Errors
/// If `kubectl` or the cluster fails, something asked for is not there, the load does not get under
/// way; and if something could not be restored.
pub async fn run(
    options: &Cluster,
    seed: u64,
    output: Output,
    interrupt: &CancellationToken,
) -> anyhow::Result<Option<u8>> {
    let (needed, descriptors) = (descriptors(options), limits::raise());
    if needed > descriptors {
        eprintln!(
            "rehearse: {needed} descriptors needed, and ulimit -n is {descriptors}: fewer clients, \
             or a higher limit"
        );
        return Ok(Some(BAD_USAGE));
    }
    let kubectl = Kubectl::new(options.context.as_deref(), &options.namespace);
    let journal = Journal::new(kubectl.clone());
    let mut results = Results::default();
    let all = play_all(options, (seed, output), &kubectl, &journal, &mut results);
    let played = tokio::select! {
        biased;
        () = interrupt.cancelled() => None,
        played = all => Some(played),
    };
    if !journal.is_empty() {
        output.progress("taking back what was changed on the cluster");
    }
    let left = journal.restore().await;
    let code = show(seed, output, results, matches!(played, Some(Ok(()))))?;
    let by_hand = format!(
        "this could not be taken back; by hand:\n  {}",
        left.join("\n  ")
    );
    match played {
        Some(Ok(())) if !left.is_empty() => bail!(by_hand),
        _ if !left.is_empty() => eprintln!("rehearse: {by_hand}"),
        _ => {}
    }
    played.transpose().map(|whole| whole.map(|()| code))
}

/// One for each client of two arms, a connection anew each second of three; and some.
fn descriptors(options: &Cluster) -> u64 {
    2 * (u64::from(options.clients).max(200) + 3 * u64::from(options.rate)) + 100
}

/// Prints what there is, whole or not; a document only if it is whole.
fn show(seed: u64, output: Output, results: Results, whole: bool) -> anyhow::Result<u8> {
    let Results {
        rows,
        left_out,
        drains,
        drain_min,
        stranger,
        gaps,
    } = results;
    let empty = rows.is_empty();
    if empty && whole {
        bail!("nothing could be played: {}", left_out.join("; "));
    }
    let report = Report::new(seed, rows, left_out, drains, stranger, gaps);
    match output.json {
        true if whole => println!("{}", serde_json::to_string_pretty(&report)?),
        false if !empty => println!("{}", report.text(drain_min)),
        _ => {}
    }
    Ok(report.exit_code)
}
