//! The first failures of each arm, one by one.

use super::arm::{Arm, Failure};
use super::data::ScenarioLog;
use super::kinds;
use super::marks::since_deletion;
use super::tables::{name, table};
use super::text::{escape_up_to, millis, moment, thousands};

/// Failures of an arm that are listed.
const FIRST: usize = 10;

/// Only if a request failed.
pub(super) fn html(scenario_log: &ScenarioLog) -> String {
    let failing = scenario_log
        .arms
        .iter()
        .filter(|arm| !arm.failures.is_empty());
    let tables: String = failing.map(of_arm).collect();
    match tables.as_str() {
        "" => String::new(),
        tables => format!("<h3>First failures</h3>\n{tables}"),
    }
}

fn of_arm(arm: &Arm) -> String {
    let head = [
        "time",
        "failure",
        "client",
        "pod",
        "since T0",
        "the pod was",
        "after, ms",
        "detail",
    ];
    let first = arm.failures.iter().take(FIRST);
    let rows: Vec<Vec<String>> = first.map(|failure| row(arm, failure)).collect();
    let all = arm.failures.len();
    let extent = match all > FIRST {
        true => format!("the first {FIRST} of {}", thousands(all)),
        false => format!("all {all}"),
    };
    format!(
        "<h4>{} <span>{extent}</span></h4>\n{}",
        name(arm),
        table("list", &head.map(str::to_owned), &rows)
    )
}

fn row(arm: &Arm, failure: &Failure) -> Vec<String> {
    let (request, pod) = (failure.request, arm.pod(failure));
    let dash = || "–".to_owned();
    let at = request.ended_ms;
    let kind = failure.kind();
    let peer = request.peer.as_deref();
    let place = match pod {
        Some(pod) => pod.number.to_string(),
        None => peer.map_or_else(dash, |peer| escape_up_to(60, peer)),
    };
    let since = pod.and_then(|pod| since_deletion(pod.deleted, at));
    let phase = arm.phase(failure).map(|phase| phase.words().0.to_owned());
    let detail = request.detail.as_deref();
    vec![
        moment(at),
        format!("{}{}", kinds::inline(kind), escape_up_to(60, kind)),
        format!("{} {}", escape_up_to(40, &request.kind), request.client),
        place,
        since.unwrap_or_else(dash),
        phase.unwrap_or_else(dash),
        millis(at - request.started_ms),
        detail.map_or_else(dash, |detail| escape_up_to(300, detail)),
    ]
}
