use serde_json::Value;

use super::*;

/// As kubectl printed it for a pod of `hello` that was deleted: four events.
const LEAVING: &str = include_str!("samples/leaving.json");

#[test]
fn a_pod_goes_from_ready_to_leaving_to_its_last_words() {
    let documents = serde_json::Deserializer::from_str(LEAVING).into_iter::<Value>();
    let pods = documents.map(|document| Pod::deserialize(&document.unwrap()["object"]).unwrap());
    let pods: Vec<Pod> = pods.collect();
    let [serving, leaving, ended, gone] = &pods[..] else {
        panic!("{pods:?}")
    };
    assert!(serving.is_ready() && !serving.is_leaving());
    assert!(leaving.is_ready() && leaving.is_leaving());
    assert_eq!(leaving.end("hello"), None);
    for pod in [ended, gone] {
        let end = pod.end("hello").unwrap();
        assert_eq!((end.exit_code, end.reason.as_str()), (0, "Completed"));
        assert!(end.message.contains(r#""phase":"stopped""#), "{end:?}");
        assert!(!pod.is_ready());
    }
    assert_eq!(serving.node(), Some("lastcall-worker2"));
    assert_eq!(serving.ip(), Some("10.244.2.7".parse().unwrap()));
}

#[test]
fn what_keeps_a_pod_from_starting_is_said() {
    let pod = |status: &str| -> Pod {
        let pod = format!(r#"{{"metadata":{{"name":"hello-1"}},"status":{status}}}"#);
        serde_json::from_str(&pod).unwrap()
    };
    let waiting = r#"{"containerStatuses":[{"state":{"waiting":
        {"reason":"ImagePullBackOff","message":"Back-off pulling image"}}}]}"#;
    assert!(pod(waiting).fails_to_pull());
    let words = "hello-1: ImagePullBackOff Back-off pulling image";
    assert_eq!(pod(waiting).trouble().unwrap(), words);
    let pending = r#"{"conditions":[{"type":"PodScheduled","status":"False",
        "message":"0/3 nodes are available"}]}"#;
    let words = "hello-1: 0/3 nodes are available";
    assert_eq!(pod(pending).trouble().unwrap(), words);
    let crashed = r#"{"containerStatuses":[{"restartCount":2,"state":{"running":{}},
        "lastState":{"terminated":{"exitCode":69}}}]}"#;
    assert_eq!(pod(crashed).trouble().unwrap(), "hello-1: exit 69");
    assert_eq!(pod("{}").trouble(), None);
}
