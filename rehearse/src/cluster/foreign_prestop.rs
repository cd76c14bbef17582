//! Whether one pod can drain another: `/prestop` is for loopback peers alone, and on a cluster that
//! does not enforce NetworkPolicy nothing else keeps a neighbour away from it.
//!
//! A pod of the service's own image calls `prestop` on another pod's address. It is the very
//! command with which each pod's own hook succeeds, so only the address can make it fail.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::arm::{Arm, own};
use super::control::MADE_BY;
use super::deployment::Deployment;
use super::journal::Journal;
use super::pod::Pod;
use super::watch::Roster;

/// From its creation to its exit; a preStop that is accepted returns after the lame duck.
const LIMIT: Duration = Duration::from_secs(120);

/// Until a pod is known to be ready, of a Deployment that serves: the watch may have only begun.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// The admin port of a service, where its settings do not say otherwise.
const ADMIN_PORT: u16 = 9090;

/// A call that was refused.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refusal {
    /// The pod that was to be drained.
    pub(super) pod: String,
    /// What the stranger said.
    pub(super) words: String,
}

/// Has a stranger try to drain a pod of this arm.
///
/// # Errors
/// If it could; if kubectl fails, no pod is ready, or the stranger does not come to an end.
pub(super) async fn asks(arm: &Arm, journal: &Journal) -> anyhow::Result<Refusal> {
    let name = format!("{}-stranger", arm.deployment.name());
    let asked = ready_pod(arm).await;
    let asked = asked.with_context(|| format!("no pod of {} is ready", arm.deployment.name()))?;
    let target: Value = arm.kubectl.get(&["pod", &asked]).await?;
    let ip = target["status"]["podIP"].as_str();
    let ip = ip.with_context(|| format!("pod {asked} has no address"))?;
    let remove = ["delete", "pod", &name, "--ignore-not-found", "--wait=false"];
    journal.note(&remove);
    let document = pod(&arm.deployment, &name, ip).to_string();
    arm.kubectl.feed(&["apply", "-f", "-"], &document).await?;
    let code = |roster: &Roster| Some(roster.get(&name)?.pod.end()?.exit_code);
    let ended = arm.watch.until(|pods| code(pods).is_some(), LIMIT).await;
    let roster = arm.watch.pods();
    if !ended {
        let stuck = roster
            .borrow()
            .get(&name)
            .and_then(|seen| seen.pod.trouble());
        bail!(
            "pod {name} did not end in {LIMIT:?}: {}",
            stuck.unwrap_or_default()
        );
    }
    if code(&roster.borrow()) == Some(0) {
        bail!("pod {name} has drained pod {asked}: /prestop must refuse all but its own pod");
    }
    let words = arm.kubectl.run(&["logs", &name]).await?;
    arm.kubectl.run(&remove).await?;
    Ok(Refusal {
        pod: asked,
        words: words.trim().to_owned(),
    })
}

/// The name of a pod that stays. `None`: there is none within the limit.
async fn ready_pod(arm: &Arm) -> Option<String> {
    let stays = |pod: &Pod| pod.is_ready() && !pod.is_leaving();
    let mut pods = arm.watch.pods();
    let any = pods.wait_for(|roster| own(roster, &arm.selector).any(stays));
    let roster = timeout(READY_LIMIT, any).await.ok()?.ok()?;
    let pod = own(&roster, &arm.selector).find(|pod| stays(pod))?;
    Some(pod.name().to_owned())
}

/// The service's pod, but for its hook, its probes, its labels, and whom it calls.
fn pod(deployment: &Deployment, name: &str, ip: &str) -> Value {
    let mut spec = deployment.0["spec"]["template"]["spec"].clone();
    let mut container = deployment.container().clone();
    if let Some(fields) = container.as_object_mut() {
        let absent = ["command", "lifecycle", "livenessProbe", "readinessProbe"];
        for key in absent.into_iter().chain(["startupProbe", "ports"]) {
            fields.remove(key);
        }
    }
    const ADDRESS: &str = "LASTCALL__ADMIN__ADDRESS";
    let own = deployment.env(ADDRESS).and_then(|own| own.rsplit_once(':'));
    let port = own.and_then(|(_, port)| port.parse().ok());
    let host = if ip.contains(':') {
        format!("[{ip}]")
    } else {
        ip.to_owned()
    };
    let address = format!("{host}:{}", port.unwrap_or(ADMIN_PORT));
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    env.retain(|variable| variable["name"] != ADDRESS);
    env.push(json!({"name": ADDRESS, "value": address}));
    (container["env"], container["args"]) = (json!(env), json!(["prestop"]));
    (spec["containers"], spec["restartPolicy"]) = (json!([container]), json!("Never"));
    let (key, value) = MADE_BY;
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        // None of the service's labels: it must get none of its traffic.
        "metadata": {"name": name, "labels": {key: value}},
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::deployment::NodePortService;
    use super::super::kubectl::Kubectl;
    use super::super::watch::Watch;
    use super::*;
    use crate::scenario::ArmName;

    #[tokio::test]
    async fn a_watch_that_has_only_begun_is_given_time() {
        let status = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        let metadata = json!({"name": "hello-1", "labels": {"app": "hello"}});
        let pod = json!({"metadata": metadata, "spec": {}, "status": status});
        let event = json!({"type": "ADDED", "object": pod});
        let kubectl = Kubectl::faked(&format!("sleep 0.2; echo '{event}'; exec sleep 600"));
        let arm = Arm {
            name: ArmName::Service,
            deployment: Deployment(Value::Null),
            service: NodePortService(Value::Null),
            selector: [("app".to_owned(), "hello".to_owned())].into(),
            node_port: 0,
            watch: Arc::new(Watch::start(&kubectl).unwrap()),
            kubectl,
        };
        assert!(arm.watch.pods().borrow().is_empty());
        assert_eq!(ready_pod(&arm).await.as_deref(), Some("hello-1"));
    }

    #[test]
    fn the_stranger_is_the_service_that_calls_another_pod_and_gets_no_traffic() {
        let sample = include_str!("samples/deployment.json");
        let deployment = Deployment(serde_json::from_str(sample).unwrap());
        let pod = pod(&deployment, "hello-stranger", "10.244.1.7");
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["image"], deployment.container()["image"]);
        assert_eq!(container["args"], json!(["prestop"]));
        let env = container["env"].as_array().unwrap();
        let address = env
            .iter()
            .rev()
            .find(|v| v["name"] == "LASTCALL__ADMIN__ADDRESS");
        assert_eq!(address.unwrap()["value"], "10.244.1.7:9090");
        assert!(container["readinessProbe"].is_null() && container["lifecycle"].is_null());
        let labels = super::super::deployment::strings(&pod["metadata"]["labels"]);
        let selector = deployment.selector();
        assert!(
            selector
                .iter()
                .any(|(key, value)| labels.get(key) != Some(value))
        );
        assert_eq!(
            pod["spec"]["securityContext"],
            deployment.0["spec"]["template"]["spec"]["securityContext"]
        );
    }
}
