//! The time that Kubernetes gives, and the time that the service takes.

use std::time::Duration;

use serde_json::{Value, json};

use super::findings::Problems;
use super::service::Service;

/// What Kubernetes gives to a pod that asks for nothing.
const DEFAULT_GRACE: u64 = 30;

/// The grace periods are the same, and nothing else takes from them. (Whether the drain fits the
/// service's own grace period is what its `check` has said.)
pub(super) fn matches(service: &Service<'_>, problems: &mut Problems<'_>) {
    let seconds = service.pod.spec.termination_grace_period_seconds;
    let ours = service.settings.grace_period;
    if ours != Duration::from_secs(seconds.unwrap_or(DEFAULT_GRACE)) {
        let theirs = match seconds {
            Some(seconds) => format!("{seconds}"),
            None => format!("{DEFAULT_GRACE}, by default"),
        };
        problems.add(format_args!(
            "terminationGracePeriodSeconds = {theirs}, and grace_period = {ours:?}: must be the same"
        ));
    }
    let prestop = json!({ "exec": { "command": ["/service", "prestop"] } });
    if let Some(hook) = service
        .container
        .lifecycle
        .pre_stop
        .as_ref()
        .filter(|hook| **hook != prestop)
    {
        problems.add(format_args!(
            "preStop = {hook}: {}: must be exec /service prestop",
            fault(hook)
        ));
    }
}

/// Why another hook is none.
fn fault(hook: &Value) -> &'static str {
    match hook.get("httpGet") {
        Some(_) => "kubelet is refused, as nobody outside the pod may drain it",
        None => "takes from the grace period before the service knows",
    }
}
