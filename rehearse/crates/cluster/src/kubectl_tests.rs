use super::*;

#[test]
fn a_command_line_can_be_typed_as_it_is_shown() {
    let kubectl = Kubectl::new("kind-lastcall", "lastcall");
    assert_eq!(
        kubectl.command_line(&["patch", "service", "hello", "-p", r#"{"spec":{}}"#]),
        r#"kubectl --context kind-lastcall --namespace lastcall patch service hello -p '{"spec":{}}'"#
    );
}

#[tokio::test]
async fn what_kubectl_says_when_it_fails_is_repeated_with_the_command() {
    let kubectl = Kubectl::faked("echo 'deployments.apps \"hello\" not found' >&2; exit 1");
    let error = kubectl
        .run(&["get", "deployment", "hello"])
        .await
        .unwrap_err();
    let expected = "kubectl --context test --namespace lastcall get deployment hello: deployments.apps \"hello\" not found";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn documents_go_in_and_answers_come_out() {
    let kubectl = Kubectl::faked(r#"echo "$@"; cat"#);
    let answer = kubectl
        .feed(&["apply", "-f", "-"], "document")
        .await
        .unwrap();
    assert_eq!(
        answer,
        "--context test --namespace lastcall apply -f -\ndocument"
    );
    let kubectl = Kubectl::faked("echo nonsense");
    let error = kubectl
        .get::<serde_json::Value>(&["nodes"])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("get nodes -o json: unexpected answer"),
        "{error}"
    );
}

#[tokio::test]
async fn what_does_not_come_back_is_given_up() {
    let kubectl = Kubectl::faked("exec sleep 600");
    let limit = Duration::from_millis(50);
    let error = kubectl
        .wait(&["rollout", "status"], limit)
        .await
        .unwrap_err();
    assert!(matches!(error, KubectlError::TimedOut { .. }), "{error}");
}
