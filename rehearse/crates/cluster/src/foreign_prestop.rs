//! Whether one pod can drain another: `/prestop` is for loopback peers alone, and on a cluster that
//! does not enforce NetworkPolicy nothing else keeps a neighbour away from it.
//!
//! A pod of the service's own image calls `prestop` on another pod's address. It is the very
//! command with which each pod's own hook succeeds, so only the address can make it fail.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::{Value, json};

use super::arm::Arm;
use super::deployed::Deployed;
use super::journal::Journal;
use super::pods::Pods;
use super::services::MADE_BY;
use rehearse_kubernetes::Pod;

/// From its creation to its exit; a preStop that is accepted returns after the lame duck.
const LIMIT: Duration = Duration::from_secs(120);

/// Until a pod is ready, of a Deployment that serves.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// The admin port of a service, where its settings do not say otherwise.
const ADMIN_PORT: u16 = 9090;

/// A call that was refused.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refusal {
    /// The pod that was to be drained.
    pub(super) pod: String,
    /// What the pod that called it printed.
    pub(super) output: String,
}

/// Has another pod try to drain a pod of this arm. `None`: it is no service of Lastcall.
///
/// # Errors
/// If it could; if kubectl fails, no pod is ready, or the other does not come to an end.
pub(super) async fn attempt(arm: &Arm, journal: &Journal) -> anyhow::Result<Option<Refusal>> {
    let Some(command) = arm.deployed.prestop_command() else {
        return Ok(None);
    };
    let (name, container) = (arm.deployed.name(), arm.deployed.container_name());
    let target = ready_pod(arm).await;
    let (target, ip) = target.with_context(|| format!("no pod of {name} is ready"))?;
    let name = format!("{name}-foreign-prestop");
    let remove = ["delete", "pod", &name, "--ignore-not-found", "--wait=false"];
    journal.note(&remove);
    let document = pod(&arm.deployed, &name, &command, ip).to_string();
    let kubectl = &arm.cluster.kubectl;
    kubectl.feed(&["apply", "-f", "-"], &document).await?;
    let code = |pods: &Pods| {
        let seen = pods.present.get(&name)?;
        Some(seen.pod.end(container)?.exit_code)
    };
    let pods = &arm.cluster.pods;
    if !pods.until(|pods| code(pods).is_some(), LIMIT).await {
        let trouble = pods.read(|pods| pods.present.get(&name)?.pod.trouble());
        let trouble = trouble.unwrap_or_default();
        bail!("pod {name} did not end in {LIMIT:?}: {trouble}");
    }
    if pods.read(code) == Some(0) {
        bail!("pod {name} has drained pod {target}: /prestop must refuse all but its own pod");
    }
    let output = kubectl.run(&["logs", &name]).await?;
    kubectl.run(&remove).await?;
    Ok(Some(Refusal {
        pod: target,
        output: output.trim().to_owned(),
    }))
}

/// The name and address of a pod that stays. `None`: there is none within the limit.
async fn ready_pod(arm: &Arm) -> Option<(String, IpAddr)> {
    let stays = |pod: &Pod| pod.is_ready() && !pod.is_leaving();
    let find = |pods: &Pods| {
        let mut own = arm.own(pods).filter(|seen| stays(&seen.pod));
        own.find_map(|seen| Some((seen.pod.name().to_owned(), seen.pod.ip()?)))
    };
    let pods = &arm.cluster.pods;
    pods.until(|pods| find(pods).is_some(), READY_LIMIT).await;
    pods.read(find)
}

/// The service's pod, but for its hook, its probes, its labels, and whom it calls.
fn pod(deployed: &Deployed, name: &str, command: &[String], ip: IpAddr) -> Value {
    const ADDRESS: &str = "LASTCALL__ADMIN__ADDRESS";
    let mut spec = deployed.spec()["template"]["spec"].clone();
    let mut container = deployed.container_spec().clone();
    if let Some(fields) = container.as_object_mut() {
        let absent = ["args", "lifecycle", "livenessProbe", "readinessProbe"];
        for key in absent.into_iter().chain(["startupProbe", "ports"]) {
            fields.remove(key);
        }
    }
    let own = deployed.env(ADDRESS).and_then(|own| own.rsplit_once(':'));
    let port = own.and_then(|(_, port)| port.parse().ok());
    let address = SocketAddr::new(ip, port.unwrap_or(ADMIN_PORT)).to_string();
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    env.retain(|variable| variable["name"] != ADDRESS);
    env.push(json!({"name": ADDRESS, "value": address}));
    (container["env"], container["command"]) = (json!(env), json!(command));
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
    use super::super::deployed::tests::hello;
    use super::*;
    use rehearse_kubernetes::Labels;

    #[test]
    fn the_other_pod_is_the_service_that_calls_another_and_gets_no_traffic() {
        let deployed = hello();
        let command = deployed.prestop_command().unwrap();
        let pod = pod(&deployed, "other", &command, "10.244.1.7".parse().unwrap());
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["image"], deployed.container_spec()["image"]);
        assert_eq!(container["command"], json!(["/service", "prestop"]));
        let env = container["env"].as_array().unwrap();
        let address = json!({"name": "LASTCALL__ADMIN__ADDRESS", "value": "10.244.1.7:9090"});
        assert!(env.contains(&address), "{env:?}");
        assert!(container["readinessProbe"].is_null() && container["lifecycle"].is_null());
        let labels: Labels = serde_json::from_value(pod["metadata"]["labels"].clone()).unwrap();
        assert!(!deployed.selector().matches(&labels));
        let security = |spec: &Value| spec["securityContext"].clone();
        assert_eq!(
            security(&pod["spec"]),
            security(&deployed.spec()["template"]["spec"])
        );
    }
}
