//! Whoever talks to a service must do so at the ports where it listens.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;

use super::document::{Object, Source};
use super::findings::{Findings, Problems};
use super::service::Service;
use rehearse_kubernetes::{PortName, Probe, ServiceSpec};

/// Each probe asks the admin port, and for what it is meant to know.
pub(super) fn probes(service: &Service<'_>, problems: &mut Problems<'_>) {
    let container = service.container;
    let probes = [
        (
            "startupProbe",
            &container.startup_probe,
            &["/livez", "/readyz"][..],
        ),
        ("readinessProbe", &container.readiness_probe, &["/readyz"]),
        // Not readiness: a service that drains is not ready, and must not be restarted for it.
        ("livenessProbe", &container.liveness_probe, &["/livez"]),
    ];
    for (name, probe, paths) in probes {
        match probe {
            Some(probe) => one_probe(service, name, probe, paths, problems),
            None if name == "startupProbe" => {}
            None => problems.add(format_args!("{name}: is missing")),
        }
    }
    for (key, address) in [
        ("http.address", http(service)),
        ("admin.address", admin(service)),
    ] {
        if address.ip().is_loopback() {
            problems.add(format_args!(
                "{key} = {address}: cannot be reached from outside the pod"
            ));
        }
    }
}

fn http(service: &Service<'_>) -> SocketAddr {
    service.settings.http.address
}

fn admin(service: &Service<'_>) -> SocketAddr {
    service.settings.admin.address
}

fn one_probe(
    service: &Service<'_>,
    name: &str,
    probe: &Probe,
    paths: &[&str],
    problems: &mut Problems<'_>,
) {
    let Some(get) = &probe.http_get else {
        return problems.add(format_args!(
            "{name}: must be httpGet {}",
            paths.join(" or ")
        ));
    };
    let asked = shown(service, &get.port);
    let admin = admin(service);
    if service.container.port(&get.port) != Some(admin.port()) {
        problems.add(format_args!(
            "{name}: port = {asked}: must be admin.address's, {}",
            admin.port()
        ));
    }
    if !paths.contains(&get.path.as_str()) {
        problems.add(format_args!(
            "{name}: path = {}: must be {}",
            get.path,
            paths.join(" or ")
        ));
    }
    for (key, value, allowed) in [("host", &get.host, ""), ("scheme", &get.scheme, "HTTP")] {
        if !value.is_empty() && value != allowed {
            problems.add(format_args!("{name}: {key} = {value}: must not be set"));
        }
    }
}

/// A port as it was given, and what that comes to.
fn shown(service: &Service<'_>, port: &PortName) -> String {
    match (port, service.container.port(port)) {
        (PortName::Number(number), _) => number.to_string(),
        (PortName::Name(name), Some(number)) => format!("{name} ({number})"),
        (PortName::Name(name), None) => format!("{name} (which the container has not)"),
    }
}

/// Prometheus is sent to the admin port, if it is sent anywhere.
pub(super) fn annotations(service: &Service<'_>, problems: &mut Problems<'_>) {
    let annotation = |name: &str| {
        let key = format!("prometheus.io/{name}");
        service
            .pod
            .metadata
            .annotations
            .get(&key)
            .map_or("", String::as_str)
    };
    if annotation("scrape") != "true" {
        return;
    }
    let port = admin(service).port().to_string();
    for (name, allowed) in [("port", port.as_str()), ("path", "/metrics")] {
        let given = annotation(name);
        // The path has this very default.
        if given != allowed && !(name == "path" && given.is_empty()) {
            problems.add(format_args!(
                "prometheus.io/{name} = {given}: must be {allowed}"
            ));
        }
    }
}

fn service_spec(object: &Object) -> Option<ServiceSpec> {
    let spec = Some(&object.spec).filter(|_| object.kind == "Service")?;
    ServiceSpec::deserialize(spec).ok()
}

/// Every Service that selects the service's pods sends to the public port.
pub(super) fn services(service: &Service<'_>, source: &Source, findings: &mut Findings) {
    let labels = &service.pod.metadata.labels;
    for object in &source.objects {
        let Some(spec) = service_spec(object) else {
            continue;
        };
        if !spec.selects(labels) {
            continue;
        }
        for port in &spec.ports {
            let target = port
                .target_port
                .clone()
                .unwrap_or(PortName::Number(port.port));
            if service.container.port(&target) != Some(http(service).port()) {
                findings.about(source, object).add(format_args!(
                    "targetPort = {}: must be http.address's, {}",
                    shown(service, &target),
                    http(service).port()
                ));
            }
        }
    }
}

/// No two Services want the same port of the nodes.
pub(super) fn different_node_ports(sources: &[Source], findings: &mut Findings) {
    let mut owners: BTreeMap<u16, String> = BTreeMap::new();
    for source in sources {
        for object in &source.objects {
            let ports = service_spec(object).map_or(Vec::new(), |spec| spec.ports);
            for port in ports.iter().filter_map(|port| port.node_port) {
                match owners.get(&port) {
                    Some(owner) => findings
                        .about(source, object)
                        .add(format_args!("nodePort = {port}: is taken, in {owner}")),
                    None => drop(owners.insert(port, source.file.clone())),
                }
            }
        }
    }
}
