//! Services that lead to a Deployment's pods.

use serde_json::{Value, json};

use super::deployed::Deployed;
use rehearse_kubernetes::{Labels, Service, ServicePort};

/// Marks what a rehearsal has made.
pub(super) const MADE_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "rehearse");

/// The Service that leads to a Deployment's pods: before others one with a port on every node, then one
/// of the Deployment's name.
pub(super) fn leading_to(services: Vec<Service>, deployed: &Deployed) -> Option<Service> {
    let leading = services
        .into_iter()
        .filter(|service| service.spec.selects(deployed.labels()) && http_port(service).is_some());
    leading.max_by_key(|service| {
        let named_alike = service.metadata.name == deployed.name();
        (node_port(service).is_some(), named_alike)
    })
}

/// Its port: the one named `http`, or else the first.
pub(super) fn http_port(service: &Service) -> Option<&ServicePort> {
    let ports = &service.spec.ports;
    let named = ports.iter().find(|port| port.name == "http");
    named.or(ports.first())
}

/// The port of every node that leads to it, if there is one.
pub(super) fn node_port(service: &Service) -> Option<u16> {
    // A Service of the type LoadBalancer may have none: then it is 0 or absent.
    http_port(service)?.node_port.filter(|port| *port > 0)
}

/// The port of the pods behind a Service, or else the one that the container declares.
pub(super) fn target_port(service: Option<&Service>, deployed: &Deployed) -> Option<Value> {
    if let Some(port) = service.and_then(http_port) {
        let target = port.target_port.as_ref().map(|target| json!(target));
        return Some(target.unwrap_or(json!(port.port)));
    }
    deployed.port().map(|port| json!(port))
}

/// A Service with a port on every node; `node_port`: or else Kubernetes chooses.
pub(super) fn on_node_port(
    name: &str,
    selector: &Labels,
    target: &Value,
    node_port: Option<u16>,
) -> Value {
    let mut port = json!({"name": "http", "port": 80, "targetPort": target});
    if let (Some(node_port), Some(fields)) = (node_port, port.as_object_mut()) {
        fields.insert("nodePort".to_owned(), json!(node_port));
    }
    let (key, value) = MADE_BY;
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {key: value}},
        "spec": {"type": "NodePort", "selector": selector, "ports": [port]},
    })
}

/// Changes a Service's `externalTrafficPolicy` (a merge patch).
pub(super) fn traffic_policy(policy: &str) -> String {
    json!({"spec": {"externalTrafficPolicy": policy}}).to_string()
}

/// The highest port that no Service has, of those that a local cluster maps to this machine.
pub(super) fn free_port(services: &[Service]) -> Option<u16> {
    let ports = services.iter().flat_map(|service| &service.spec.ports);
    let taken: Vec<u16> = ports.filter_map(|port| port.node_port).collect();
    (31_000..=31_009).rev().find(|port| !taken.contains(port))
}

#[cfg(test)]
mod tests {
    use super::super::deployed::tests::hello;
    use super::*;

    const SERVICE: &str = include_str!("samples/service.json");

    fn service(name: &str, node_port: Option<u16>, app: &str) -> Service {
        let mut service: Service = serde_json::from_str(SERVICE).unwrap();
        name.clone_into(&mut service.metadata.name);
        service.spec.ports[0].node_port = node_port;
        service.spec.selector = [("app.kubernetes.io/name".into(), app.into())].into();
        service
    }

    fn chosen(services: Vec<Service>) -> Option<String> {
        Some(leading_to(services, &hello())?.metadata.name)
    }

    #[test]
    fn the_service_is_one_that_leads_to_the_pods_and_best_on_a_node_port() {
        let own = || service("hello", None, "hello");
        let outside = || service("outside", Some(31_000), "hello");
        let others = || service("others", Some(31_001), "slow");
        assert_eq!(chosen(vec![others(), own(), outside()]).unwrap(), "outside");
        let second = service("second", None, "hello");
        assert_eq!(chosen(vec![second, own(), others()]).unwrap(), "hello");
        assert_eq!(chosen(vec![others()]), None);
        let mut all = outside();
        all.spec.selector.clear();
        assert_eq!(
            chosen(vec![all]),
            None,
            "without a selector it leads nowhere"
        );
    }

    #[test]
    fn the_port_is_that_of_http() {
        let mut service = service("hello", Some(31_000), "hello");
        let metrics = ServicePort {
            name: "metrics".to_owned(),
            port: 9_090,
            node_port: Some(31_777),
            ..ServicePort::default()
        };
        service.spec.ports.insert(0, metrics);
        assert_eq!(node_port(&service), Some(31_000));
        assert_eq!(target_port(Some(&service), &hello()), Some(json!("http")));
        service.spec.ports.pop();
        assert_eq!(target_port(Some(&service), &hello()), Some(json!(9_090)));
        assert_eq!(target_port(None, &hello()), Some(json!(8_080)));
    }

    #[test]
    fn a_port_of_its_own_is_one_that_no_other_service_has() {
        let free = |ports: &[u16]| {
            let taken = ports.iter().map(|port| service("taken", Some(*port), "x"));
            free_port(&taken.collect::<Vec<_>>())
        };
        assert_eq!(free(&[31_000]), Some(31_009));
        assert_eq!(free(&[31_009, 31_008]), Some(31_007));
        assert_eq!(free(&Vec::from_iter(31_000..31_010)), None);
        let port = |node_port| {
            let made = on_node_port("a", &Labels::new(), &json!(1), node_port);
            made["spec"]["ports"][0]["nodePort"].clone()
        };
        assert_eq!(port(None), Value::Null, "Kubernetes chooses");
        assert_eq!(port(Some(31_009)), 31_009);
    }
}
