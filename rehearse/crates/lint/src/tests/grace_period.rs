//! The grace period, and what takes from it.

use super::{NOTHING, each, in_file, with};

#[test]
fn the_grace_periods_must_be_the_same() {
    each(
        "Deployment hello",
        &[
            (
                "Seconds: 30",
                "Seconds: 20",
                "terminationGracePeriodSeconds = 20, and grace_period = 30s: must be the same",
            ),
            (
                "value: 30s",
                "value: 1m",
                "terminationGracePeriodSeconds = 30, and grace_period = 60s: must be the same",
            ),
        ],
    );
}

#[test]
fn without_one_kubernetes_gives_thirty_seconds() {
    let none = with("      terminationGracePeriodSeconds: 30\n", "");
    assert_eq!(in_file(&none), NOTHING);
    let found = in_file(&none.replace("30s", "60s"));
    let finding = "terminationGracePeriodSeconds = 30, by default, and grace_period = 60s: \
                   must be the same";
    assert_eq!(found, [format!("hello.yaml: Deployment hello: {finding}")]);
}

#[test]
fn only_the_services_own_prestop_hook_leaves_the_budget_alone() {
    let good = "exec: {command: [/service, prestop]}";
    each(
        "Deployment hello",
        &[
            (
                good,
                "sleep: {seconds: 5}",
                r#"preStop = {"sleep":{"seconds":5}}: takes from the grace period before the service knows: must be exec /service prestop"#,
            ),
            (
                good,
                "httpGet: {port: admin}",
                r#"preStop = {"httpGet":{"port":"admin"}}: kubelet is refused, as nobody outside the pod may drain it: must be exec /service prestop"#,
            ),
        ],
    );
    let none = with(&format!("preStop:\n              {good}"), "{}");
    assert_eq!(in_file(&none), NOTHING, "SIGTERM does the same");
}
