//! Who asks a service, and where.

use super::{GOOD, Source, each, findings, in_file, with_variable};

#[test]
fn a_probe_must_ask_the_admin_port() {
    each(
        "Deployment hello",
        &[
            (
                "{port: admin, path: /readyz}",
                "{port: http, path: /readyz}",
                "readinessProbe: port = http (8080): must be admin.address's, 9090",
            ),
            (
                "{port: 9090, path: /livez}",
                "{port: 9091, path: /livez}",
                "livenessProbe: port = 9091: must be admin.address's, 9090",
            ),
            (
                "{port: admin, path: /livez}",
                "{port: metrics, path: /livez}",
                "startupProbe: port = metrics (which the container has not): must be \
                 admin.address's, 9090",
            ),
        ],
    );
}

#[test]
fn a_probe_must_ask_for_what_it_is_meant_to_know() {
    each(
        "Deployment hello",
        &[
            (
                "{port: 9090, path: /livez}",
                "{port: 9090, path: /readyz}",
                "livenessProbe: path = /readyz: must be /livez",
            ),
            (
                "{port: admin, path: /readyz}",
                "{port: admin, path: /healthz}",
                "readinessProbe: path = /healthz: must be /readyz",
            ),
            (
                "httpGet: {port: admin, path: /readyz}",
                "tcpSocket: {port: admin}",
                "readinessProbe: must be httpGet /readyz",
            ),
            ("readinessProbe:", "x:", "readinessProbe: is missing"),
            (
                "{port: admin, path: /readyz}",
                "{port: admin, path: /readyz, scheme: HTTPS}",
                "readinessProbe: scheme = HTTPS: must not be set",
            ),
        ],
    );
}

#[test]
fn an_admin_address_that_moves_takes_along_all_who_use_it() {
    let moved = "{name: LASTCALL__ADMIN__ADDRESS, value: \"127.0.0.1:9091\"}";
    let found = in_file(&with_variable(moved));
    assert_eq!(
        found.len(),
        5,
        "three probes, loopback, Prometheus: {found:#?}"
    );
}

#[test]
fn prometheus_must_ask_the_admin_port() {
    each(
        "Deployment hello",
        &[
            (
                "port: \"9090\"",
                "port: \"8080\"",
                "prometheus.io/port = 8080: must be 9090",
            ),
            (
                "path: /metrics",
                "path: /prometheus",
                "prometheus.io/path = /prometheus: must be /metrics",
            ),
        ],
    );
}

#[test]
fn a_service_must_send_to_the_public_port() {
    each(
        "Service hello",
        &[
            (
                "targetPort: http",
                "targetPort: admin",
                "targetPort = admin (9090): must be http.address's, 8080",
            ),
            (
                "      targetPort: http\n",
                "",
                "targetPort = 80: must be http.address's, 8080",
            ),
        ],
    );
}

#[test]
fn two_services_cannot_have_one_node_port() {
    let source = |file: &str| Source::parse(file, false, GOOD).unwrap();
    assert_eq!(
        findings(&[source("a.yaml"), source("b.yaml")]),
        ["b.yaml: Service hello: nodePort = 31000: is taken, in a.yaml"]
    );
}
