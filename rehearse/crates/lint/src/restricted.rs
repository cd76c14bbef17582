//! Pod Security Standards, level `restricted`, and two things more: a root that is read-only, and
//! no token of a service account.

use super::document::Object;
use super::findings::Problems;
use rehearse_kubernetes::{Container, PodSpec, Security};

/// The kinds of volumes that `restricted` allows.
const VOLUMES: [&str; 8] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// A namespace refuses pods that are not restricted.
pub(super) fn namespace(object: &Object, problems: &mut Problems<'_>) {
    const LABEL: &str = "pod-security.kubernetes.io/enforce";
    let level = object.metadata.labels.get(LABEL).map_or("", String::as_str);
    if object.kind == "Namespace" && level != "restricted" {
        problems.add(format_args!("{LABEL} = {level}: must be restricted"));
    }
}

/// The pod, and every container in it.
pub(super) fn pod(pod: &PodSpec, problems: &mut Problems<'_>) {
    if pod.mounts_token != Some(false) {
        problems.add("automountServiceAccountToken: must be false");
    }
    let host = [
        ("hostNetwork", pod.host_network),
        ("hostPID", pod.host_pid),
        ("hostIPC", pod.host_ipc),
    ];
    for (key, _) in host.into_iter().filter(|(_, set)| *set) {
        problems.add(format_args!("{key}: must be false"));
    }
    for volume in &pod.volumes {
        let kind = volume
            .keys()
            .find(|key| *key != "name")
            .map_or("emptyDir", String::as_str);
        if !VOLUMES.contains(&kind) {
            problems.add(format_args!(
                "volumes: {kind}: must be one of {}",
                VOLUMES.join(", ")
            ));
        }
    }
    user("the pod", &pod.security_context, problems);
    for container in pod.all_containers() {
        let name = format!("container {}", container.name);
        user(&name, &container.security_context, problems);
        inherited(
            &name,
            &pod.security_context,
            &container.security_context,
            problems,
        );
        own(&name, container, problems);
    }
}

fn user(whose: &str, security: &Security, problems: &mut Problems<'_>) {
    if security.run_as_user == Some(0) {
        problems.add(format_args!("{whose}: runAsUser = 0: must not be root"));
    }
}

/// What a container has from its pod, unless it says otherwise.
fn inherited(name: &str, pod: &Security, own: &Security, problems: &mut Problems<'_>) {
    if own.run_as_non_root.or(pod.run_as_non_root) != Some(true) {
        problems.add(format_args!("{name}: runAsNonRoot: must be true"));
    }
    let profile = match own.seccomp_profile.kind.as_str() {
        "" => pod.seccomp_profile.kind.as_str(),
        own => own,
    };
    if !["RuntimeDefault", "Localhost"].contains(&profile) {
        problems.add(format_args!(
            "{name}: seccompProfile.type = {profile}: must be RuntimeDefault or Localhost"
        ));
    }
}

fn own(name: &str, container: &Container, problems: &mut Problems<'_>) {
    let security = &container.security_context;
    if security.allow_privilege_escalation != Some(false) {
        problems.add(format_args!(
            "{name}: allowPrivilegeEscalation: must be false"
        ));
    }
    if security.privileged {
        problems.add(format_args!("{name}: privileged: must be false"));
    }
    if !security.read_only_root_filesystem {
        problems.add(format_args!("{name}: readOnlyRootFilesystem: must be true"));
    }
    if !security
        .capabilities
        .drop
        .iter()
        .any(|dropped| dropped == "ALL")
    {
        problems.add(format_args!("{name}: capabilities.drop: must be [ALL]"));
    }
    let added = &security.capabilities.add;
    if let Some(added) = added.iter().find(|added| *added != "NET_BIND_SERVICE") {
        problems.add(format_args!(
            "{name}: capabilities.add = {added}: must be NET_BIND_SERVICE, if any"
        ));
    }
    for port in container
        .ports
        .iter()
        .filter_map(|port| port.host_port)
        .filter(|port| *port != 0)
    {
        problems.add(format_args!("{name}: hostPort = {port}: must not be set"));
    }
}
