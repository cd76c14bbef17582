use super::*;

/// `hello`, as kubectl prints it.
pub(crate) fn hello() -> Deployed {
    Deployed::new(document()).unwrap()
}

pub(crate) fn document() -> Value {
    serde_json::from_str(include_str!("samples/deployment.json")).unwrap()
}

fn with_containers(containers: Value) -> Deployed {
    let mut document = document();
    document["spec"]["template"]["spec"]["containers"] = containers;
    Deployed::new(document).unwrap()
}

fn value(patch: &Value, path: &str) -> Value {
    let mut steps = patch.as_array().unwrap().iter();
    let step = steps.find(|step| step["path"].as_str().unwrap().ends_with(path));
    assert_eq!(step.unwrap()["op"], "add");
    step.unwrap()["value"].clone()
}

#[test]
fn a_deployment_is_read_as_it_is() {
    let hello = hello();
    assert_eq!((hello.name(), hello.replicas()), ("hello", 3));
    let own = Labels::from([("app.kubernetes.io/name".to_owned(), "hello".to_owned())]);
    assert_eq!(hello.selecting_labels(), own);
    assert!(hello.selector().matches(hello.labels()));
    assert_eq!(hello.drain_min(), Duration::from_secs(4));
    let command = ["/service", "prestop"].map(str::to_owned);
    assert_eq!(hello.prestop_command().unwrap(), command);
    let sleeps = json!({"preStop": {"exec": {"command": ["sleep", "5"]}}});
    let other = with_containers(json!([{"name": "hello", "lifecycle": sleeps}]));
    assert_eq!(
        (other.prestop_command(), other.drain_min()),
        (None, DRAIN_MIN)
    );
}

#[test]
fn drain_min_follows_from_a_short_grace_period() {
    let min = |variables| with_containers(json!([{"name": "hello", "env": variables}])).drain_min();
    let grace = |text| json!({"name": "LASTCALL__GRACE_PERIOD", "value": text});
    assert_eq!(min(json!([grace("12s")])), Duration::from_secs(2));
    assert_eq!(min(json!([grace("60s")])), DRAIN_MIN);
    let own = json!({"name": "LASTCALL__DRAIN__MIN", "value": "3s"});
    assert_eq!(min(json!([grace("12s"), own])), Duration::from_secs(3));
}

#[test]
fn the_container_that_serves_is_found_among_others() {
    let containers = json!([{"name": "sidecar"}, {"name": "hello"}, {"name": "web"}]);
    let hello = with_containers(containers.clone());
    assert_eq!(hello.container_name(), "hello");
    let patch = hello.patch(&Variation::default(), 3);
    let path = patch[0]["path"].as_str().unwrap();
    assert_eq!(path, "/spec/template/spec/containers/1/image");
    let mut document = document();
    let template = &mut document["spec"]["template"];
    template["spec"]["containers"] = containers;
    template["metadata"]["annotations"] = json!({DEFAULT_CONTAINER: "web"});
    assert_eq!(Deployed::new(document).unwrap().container_name(), "web");
}

#[test]
fn without_variation_the_patch_is_what_there_was() {
    let hello = hello();
    let patch = hello.patch(&Variation::default(), 3);
    for key in ["image", "lifecycle", "readinessProbe"] {
        assert_eq!(value(&patch, key), hello.container_spec()[key], "{key}");
    }
    assert_eq!(value(&patch, "/spec/replicas"), 3);
}

#[test]
fn a_variation_changes_what_it_names_alone() {
    let hello = hello();
    let variation = Variation {
        without_prestop: true,
        ready_after: Duration::from_secs(5),
        local: true,
    };
    let patch = hello.patch(&variation, 1);
    assert_eq!(value(&patch, "lifecycle"), Value::Null);
    assert_eq!(value(&patch, "/spec/replicas"), 1);
    let mut probe = value(&patch, "readinessProbe");
    assert_eq!(probe["initialDelaySeconds"].take(), 5);
    probe.as_object_mut().unwrap().remove("initialDelaySeconds");
    assert_eq!(probe, hello.container_spec()["readinessProbe"]);
}
