use super::super::deployed::tests::{document, hello};
use super::*;

const SERVICE: &str = include_str!("samples/service.json");

fn service() -> Service {
    serde_json::from_str(SERVICE).unwrap()
}

/// A budget for one pod at a time, with this selector.
fn budget(selector: Value) -> PodDisruptionBudget {
    let spec = json!({"maxUnavailable": 1, "selector": selector});
    serde_json::from_value(json!({"metadata": {"name": "hello"}, "spec": spec})).unwrap()
}

fn of_deployment(deployed: &Deployed, budgets: &[PodDisruptionBudget]) -> Value {
    let original = Original {
        deployed,
        service: Some(&service()),
        budgets,
        routes: Bundled::Hello,
    };
    original.control("registry/control@sha256:ab", None)
}

fn made() -> Value {
    of_deployment(&hello(), &[])
}

#[test]
fn the_control_differs_in_what_it_runs_alone() {
    let list = made();
    let pod = &list["items"][0]["spec"]["template"]["spec"];
    let control = &pod["containers"][0];
    assert_eq!(control["image"], "registry/control@sha256:ab");
    assert_eq!(control["args"], json!(["hello"]));
    assert!(control["lifecycle"].is_null() && control["livenessProbe"].is_null());
    let original = document();
    let theirs = &original["spec"]["template"]["spec"]["containers"][0];
    for key in ["resources", "securityContext"] {
        assert_eq!(control[key], theirs[key], "{key}");
    }
    let env = control["env"].as_array().unwrap();
    let names: Vec<&str> = env.iter().map(|v| v["name"].as_str().unwrap()).collect();
    let expected = [
        "LASTCALL__GRACE_PERIOD",
        "LASTCALL__DRAIN__MIN",
        "LASTCALL__HTTP__ADDRESS",
        "LASTCALL__ADMIN__ADDRESS",
    ];
    assert_eq!(names, expected);
    let spec = &list["items"][0]["spec"];
    assert_eq!(spec["strategy"], original["spec"]["strategy"]);
    let grace = "terminationGracePeriodSeconds";
    assert_eq!(pod[grace], original["spec"]["template"]["spec"][grace]);
}

#[test]
fn beside_any_deployment_the_control_listens_and_is_probed_at_its_own_ports() {
    let mut document = document();
    let pod = &mut document["spec"]["template"]["spec"];
    pod["initContainers"] = json!([{"name": "migrate"}]);
    pod["volumes"] = json!([{"name": "data"}]);
    pod["containers"] = json!([{
        "name": "orders",
        "command": ["/orders"],
        "workingDir": "/app",
        "ports": [{"containerPort": 80}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 2},
    }, {"name": "sidecar"}]);
    let list = of_deployment(&Deployed::new(document).unwrap(), &[]);
    let [deployment, service] = [&list["items"][0], &list["items"][1]];
    let pod = &deployment["spec"]["template"]["spec"];
    assert!(pod["initContainers"].is_null() && pod["volumes"].is_null());
    assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
    let control = &pod["containers"][0];
    for key in ["command", "workingDir", "volumeMounts"] {
        assert!(control[key].is_null(), "{key}");
    }
    let get = json!({"path": "/readyz", "port": "admin"});
    assert_eq!(
        control["readinessProbe"],
        json!({"httpGet": get, "periodSeconds": 2})
    );
    assert_eq!(control["ports"][0]["containerPort"], 8080);
    assert_eq!(service["spec"]["ports"][0]["targetPort"], 8080);
}

#[test]
fn the_control_of_streaming_speaks_http_2_too() {
    let hello = hello();
    let original = Original {
        deployed: &hello,
        service: None,
        budgets: &[],
        routes: Bundled::Streaming,
    };
    let list = original.control("control", None);
    let pod = &list["items"][0]["spec"]["template"]["spec"];
    let env = pod["containers"][0]["env"].as_array().unwrap();
    assert!(env.contains(&json!({"name": "CONTROL_H2C", "value": "1"})));
}

#[test]
fn no_selector_of_the_service_means_a_pod_of_the_control() {
    let mut document = document();
    let apart = json!([{"labelSelector": {"matchLabels": {"app.kubernetes.io/name": "hello"}}}]);
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let pod = &mut document["spec"]["template"]["spec"];
    pod["affinity"] = json!({"podAntiAffinity": {required: apart}});
    let list = of_deployment(&Deployed::new(document).unwrap(), &[]);
    let [deployment, service] = [&list["items"][0], &list["items"][1]];
    let template = &deployment["spec"]["template"];
    let labels = &template["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/name"], "hello-control");
    let part_of = &labels["app.kubernetes.io/part-of"];
    assert_eq!(part_of, "lastcall", "policies select by it");
    let own = json!({"app.kubernetes.io/name": "hello-control"});
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], own);
    assert_eq!(service["spec"]["selector"], own);
    let spread = &template["spec"]["topologySpreadConstraints"][0];
    let apart = &template["spec"]["affinity"]["podAntiAffinity"][required][0];
    for place in [spread, apart] {
        assert_eq!(place["labelSelector"]["matchLabels"], own);
    }
}

#[test]
fn evictions_are_as_hard_for_the_control() {
    let by_name = json!({"matchLabels": {"app.kubernetes.io/name": "hello"}});
    let list = of_deployment(&hello(), &[budget(by_name)]);
    let copy = &list["items"][2];
    assert_eq!(copy["kind"], "PodDisruptionBudget");
    assert_eq!(copy["metadata"]["name"], "hello-control");
    let own = json!({"app.kubernetes.io/name": "hello-control"});
    let spec = json!({"maxUnavailable": 1, "selector": {"matchLabels": own}});
    assert_eq!(copy["spec"], spec);
}

#[test]
fn a_budget_by_another_label_is_for_the_service_alone() {
    let by_part = json!({"matchExpressions": [
        {"key": "app.kubernetes.io/part-of", "operator": "In", "values": ["lastcall"]},
    ]});
    let list = of_deployment(&hello(), &[budget(by_part)]);
    let labels = &list["items"][0]["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/part-of"], "lastcall-control");
    let own = json!({"app.kubernetes.io/part-of": "lastcall-control"});
    assert_eq!(list["items"][2]["spec"]["selector"]["matchLabels"], own);
}

#[test]
fn a_budget_for_all_pods_there_are_is_not_doubled() {
    let list = of_deployment(&hello(), &[budget(json!({}))]);
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
}
