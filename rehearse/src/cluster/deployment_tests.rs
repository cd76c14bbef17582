use super::*;

const DEPLOYMENT: &str = include_str!("samples/deployment.json");
const SERVICE: &str = include_str!("samples/service.json");

fn deployment() -> Deployment {
    Deployment(serde_json::from_str(DEPLOYMENT).unwrap())
}

fn value(patch: &Value, path: &str) -> Value {
    let mut steps = patch.as_array().unwrap().iter();
    let step = steps.find(|step| step["path"].as_str().unwrap().ends_with(path));
    assert_eq!(step.unwrap()["op"], "add");
    step.unwrap()["value"].clone()
}

#[test]
fn a_deployment_is_read_as_it_is() {
    let deployment = deployment();
    assert_eq!((deployment.name(), deployment.replicas()), ("hello", 3));
    let name = ("app.kubernetes.io/name".to_owned(), "hello".to_owned());
    assert_eq!(deployment.selector(), BTreeMap::from([name]));
    assert_eq!(deployment.drain_min(), Duration::from_secs(4));
    assert_eq!(Deployment(json!({})).drain_min(), DRAIN_MIN);
}

#[test]
fn drain_min_follows_from_a_short_grace_period() {
    let min = |variables: Value| {
        let containers = json!([{"name": "hello", "env": variables}]);
        let spec = json!({"template": {"spec": {"containers": containers}}});
        Deployment(json!({"metadata": {"name": "hello"}, "spec": spec})).drain_min()
    };
    let grace = |text| json!({"name": "LASTCALL__GRACE_PERIOD", "value": text});
    assert_eq!(min(json!([grace("12s")])), Duration::from_secs(2));
    assert_eq!(min(json!([grace("60s")])), DRAIN_MIN);
    let own = json!({"name": "LASTCALL__DRAIN__MIN", "value": "3s"});
    assert_eq!(min(json!([grace("12s"), own])), Duration::from_secs(3));
}

#[test]
fn the_services_container_is_found_among_others() {
    let mut deployment = deployment();
    let containers = &mut deployment.0["spec"]["template"]["spec"]["containers"];
    let own = containers[0].clone();
    *containers = json!([{"name": "sidecar"}, own]);
    assert_eq!(deployment.container()["name"], "hello");
    let patch = deployment.patch(&Variation::default(), 3);
    let path = patch[0]["path"].as_str().unwrap();
    assert_eq!(path, "/spec/template/spec/containers/1/image");
}

#[test]
fn without_variation_the_patch_is_what_there_was() {
    let deployment = deployment();
    let patch = deployment.patch(&Variation::default(), 3);
    for key in ["image", "lifecycle", "readinessProbe"] {
        assert_eq!(value(&patch, key), deployment.container()[key], "{key}");
    }
    assert_eq!(value(&patch, "/spec/replicas"), 3);
}

#[test]
fn a_variation_changes_what_it_names_alone() {
    let deployment = deployment();
    let variation = Variation {
        without_prestop: true,
        ready_after: Duration::from_secs(5),
        local: true,
    };
    let patch = deployment.patch(&variation, 1);
    assert_eq!(value(&patch, "lifecycle"), Value::Null);
    assert_eq!(value(&patch, "/spec/replicas"), 1);
    let mut probe = value(&patch, "readinessProbe");
    assert_eq!(probe["initialDelaySeconds"].take(), 5);
    probe.as_object_mut().unwrap().remove("initialDelaySeconds");
    assert_eq!(probe, deployment.container()["readinessProbe"]);
}

#[test]
fn a_services_node_port_is_that_of_http() {
    let mut service = NodePortService(serde_json::from_str(SERVICE).unwrap());
    assert_eq!(service.node_port(), Some(31_000));
    assert_eq!(service.traffic_policy(), "Cluster");
    let metrics = json!({"name": "metrics", "nodePort": 31_777});
    service.0["spec"]["ports"]
        .as_array_mut()
        .unwrap()
        .insert(0, metrics);
    assert_eq!(service.node_port(), Some(31_000));
    assert_eq!(NodePortService(json!({})).node_port(), None);
}
