//! What may run at all: pinned images, restricted containers.

use super::{GOOD, NOTHING, Source, each, findings, in_file, with};

const DIGEST: &str = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn an_image_must_be_pinned_by_its_digest() {
    for (image, shown) in [(":1.2.3", "hello:1.2.3"), ("@sha256:0", "hello@sha256:0")] {
        let finding = format!("image = localhost:5001/{shown}: must be pinned, as NAME@sha256:…");
        each("Deployment hello", &[(DIGEST, image, &finding)]);
    }
}

#[test]
fn only_in_a_folder_may_a_name_stand_for_the_image() {
    let image = GOOD.lines().find(|line| line.contains("image:")).unwrap();
    let stands_in = with(image, "          image: service");
    let folder = |yaml: &str| findings(&[Source::parse("hello", true, yaml).unwrap()]);
    assert_eq!(folder(&stands_in), NOTHING);
    assert_eq!(in_file(&stands_in).len(), 1);
    assert_eq!(
        folder(&stands_in.replace("image: service", "image: nginx")).len(),
        1
    );
}

#[test]
fn a_pod_must_be_restricted() {
    each(
        "Deployment hello",
        &[
            (
                "automountServiceAccountToken: false",
                "x: y",
                "automountServiceAccountToken: must be false",
            ),
            (
                "runAsNonRoot: true",
                "runAsNonRoot: true\n        runAsUser: 0",
                "the pod: runAsUser = 0: must not be root",
            ),
            (
                "      volumes:",
                "      hostNetwork: true\n      volumes:",
                "hostNetwork: must be false",
            ),
            (
                "configMap: {name: hello-settings}",
                "hostPath: {path: /}",
                "volumes: hostPath: must be one of configMap, csi, downwardAPI, emptyDir, \
                 ephemeral, persistentVolumeClaim, projected, secret",
            ),
        ],
    );
}

#[test]
fn every_container_must_be_restricted() {
    let breaks = [
        ("runAsNonRoot: true", "x: y", "runAsNonRoot: must be true"),
        (
            "type: RuntimeDefault",
            "type: Unconfined",
            "seccompProfile.type = Unconfined: must be RuntimeDefault or Localhost",
        ),
        (
            "allowPrivilegeEscalation: false",
            "x: y",
            "allowPrivilegeEscalation: must be false",
        ),
        (
            "readOnlyRootFilesystem: true",
            "x: y",
            "readOnlyRootFilesystem: must be true",
        ),
        (
            "readOnlyRootFilesystem: true",
            "readOnlyRootFilesystem: true\n            privileged: true",
            "privileged: must be false",
        ),
        ("[ALL]", "[NET_RAW]", "capabilities.drop: must be [ALL]"),
        (
            "[ALL]",
            "[ALL], add: [SYS_TIME]",
            "capabilities.add = SYS_TIME: must be NET_BIND_SERVICE, if any",
        ),
        (
            "containerPort: 8080",
            "containerPort: 8080, hostPort: 8080",
            "hostPort = 8080: must not be set",
        ),
    ];
    for (old, new, finding) in breaks {
        let finding = format!("container service: {finding}");
        each("Deployment hello", &[(old, new, &finding)]);
    }
}

#[test]
fn containers_that_only_begin_are_containers_too() {
    let init = "      initContainers: [{name: init, image: x}]\n      volumes:";
    let found = in_file(&with("      volumes:", init));
    assert_eq!(
        found.len(),
        4,
        "image, escalation, root, capabilities: {found:#?}"
    );
}

#[test]
fn other_kinds_have_pods_too() {
    for kind in ["DaemonSet", "StatefulSet", "Job"] {
        let yaml = with("kind: Deployment", &format!("kind: {kind}")).replace(DIGEST, ":1");
        assert_eq!(in_file(&yaml).len(), 1, "{kind}");
    }
    let pod = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}";
    let cron = format!(
        "kind: CronJob\nspec: {{jobTemplate: {{spec: {{template: {}}}}}}}",
        "{spec: {containers: [{name: a, image: a}]}}"
    );
    let expected = "token, image, non-root, seccomp, escalation, root, capabilities";
    for yaml in [pod, &cron] {
        assert_eq!(in_file(yaml).len(), 7, "{expected}: {:#?}", in_file(yaml));
    }
}

#[test]
fn a_namespace_must_refuse_the_rest() {
    let finding = "pod-security.kubernetes.io/enforce = baseline: must be restricted";
    each(
        "Namespace lastcall",
        &[("enforce: restricted", "enforce: baseline", finding)],
    );
}
