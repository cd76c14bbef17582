use super::*;

const DEPLOYMENT: &str = include_str!("samples/deployment.json");
const SERVICE: &str = include_str!("samples/service.json");

fn made(node_port: Option<u16>) -> Value {
    let deployment = Deployment(serde_json::from_str(DEPLOYMENT).unwrap());
    let service = NodePortService(serde_json::from_str(SERVICE).unwrap());
    list(
        &deployment,
        &service,
        "registry/control@sha256:ab",
        node_port,
    )
}

#[test]
fn the_control_differs_in_image_arguments_and_hooks_alone() {
    let list = made(None);
    let pod = &list["items"][0]["spec"]["template"]["spec"];
    let control = &pod["containers"][0];
    assert_eq!(control["image"], "registry/control@sha256:ab");
    assert_eq!(control["args"], json!(["hello"]));
    assert!(control["lifecycle"].is_null() && control["livenessProbe"].is_null());
    let original: Value = serde_json::from_str(DEPLOYMENT).unwrap();
    let theirs = &original["spec"]["template"]["spec"]["containers"][0];
    for key in ["readinessProbe", "resources", "securityContext", "ports"] {
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
    let strategy = &list["items"][0]["spec"]["strategy"];
    assert_eq!(*strategy, original["spec"]["strategy"]);
}

#[test]
fn the_control_of_streaming_speaks_http_2_too() {
    let mut deployment: Value = serde_json::from_str(DEPLOYMENT).unwrap();
    deployment["metadata"]["name"] = json!("streaming");
    let service = NodePortService(serde_json::from_str(SERVICE).unwrap());
    let list = list(&Deployment(deployment), &service, "control", None);
    let pod = &list["items"][0]["spec"]["template"]["spec"];
    let env = pod["containers"][0]["env"].as_array().unwrap();
    assert!(env.contains(&json!({"name": "CONTROL_H2C", "value": "1"})));
}

#[test]
fn no_selector_of_the_service_means_a_pod_of_the_control() {
    let list = made(None);
    let [deployment, service] = [&list["items"][0], &list["items"][1]];
    let labels = strings(&deployment["spec"]["template"]["metadata"]["labels"]);
    assert_eq!(labels["app.kubernetes.io/name"], "hello-control");
    assert_eq!(
        labels["app.kubernetes.io/part-of"], "lastcall",
        "policies select by it"
    );
    let own = json!({"app.kubernetes.io/name": "hello-control"});
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], own);
    assert_eq!(service["spec"]["selector"], own);
    let spread = &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0];
    assert_eq!(spread["labelSelector"]["matchLabels"], own);
}

#[test]
fn the_controls_port_is_its_own() {
    let port = |node_port| made(node_port)["items"][1]["spec"]["ports"][0].clone();
    assert!(port(None).get("nodePort").is_none(), "Kubernetes chooses");
    assert_eq!(port(Some(31_009))["nodePort"], 31_009);
    let taken = |ports: &[u16]| {
        let ports: Vec<Value> = ports.iter().map(|port| json!({"nodePort": port})).collect();
        json!({"items": [{"spec": {}}, {"spec": {"ports": ports}}]})
    };
    assert_eq!(free_port(&taken(&[31_000])), Some(31_009));
    assert_eq!(free_port(&taken(&[31_009, 31_008])), Some(31_007));
    let all: Vec<u16> = (31_000..31_010).collect();
    assert_eq!(free_port(&taken(&all)), None);
}
