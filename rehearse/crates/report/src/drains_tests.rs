use super::*;

const LONE: Surroundings = Surroundings {
    lone: true,
    pooled: false,
};

fn message(phase: &str, last: Option<u64>) -> String {
    let last = serde_json::json!(last);
    format!(
        r#"{{"service":"hello","phase":"{phase}","lame_duck_ms":3004,"last_connection_ms":{last},"exit":0}}"#
    ) + "\n"
}

fn met(longest_ms: u64) -> Propagation {
    Propagation {
        pods: 100,
        median_ms: 500,
        p95_ms: 1_100,
        longest_ms,
    }
}

#[test]
fn propagation_is_measured_values_by_nearest_rank() {
    let mut drains = Drains::default();
    for ms in (1..=100).rev() {
        drains.enter(
            "hello-1",
            &message("stopped", Some(ms * 10)),
            Surroundings::default(),
        );
    }
    let met = drains.propagation().unwrap();
    let figures = (met.pods, met.median_ms, met.p95_ms, met.longest_ms);
    assert_eq!(figures, (100, 500, 950, 1_000));
    assert_eq!(met.to_string(), "median 0.50 s, p95 0.95 s, longest 1.00 s");
    assert_eq!(Propagation::of(&[7]).unwrap().p95_ms, 7);
    assert_eq!(Propagation::of(&[]), None);
}

#[test]
fn lone_pods_and_pods_without_traffic_are_not_counted_as_propagation() {
    let mut drains = Drains::default();
    drains.enter("a", &message("stopped", Some(700)), Surroundings::default());
    drains.enter("b", &message("stopped", Some(5_900)), LONE);
    drains.enter("c", &message("stopped", None), Surroundings::default());
    assert_eq!(drains.propagation().unwrap().longest_ms, 700);
    assert_eq!(drains.alone().unwrap().longest_ms, 5_900);
    let Drains {
        pods,
        reports,
        without_traffic,
        ..
    } = drains;
    assert_eq!((pods, reports, without_traffic), (3, 3, 1));
}

#[test]
fn pods_that_traffic_reached_until_max_are_counted_but_lone_ones_are_not() {
    let mut drains = Drains::default();
    let beside = Surroundings::default();
    for (reached, surroundings) in [(true, beside), (false, beside), (true, LONE)] {
        let message = format!(
            r#"{{"phase":"stopped","lame_duck_ms":15001,"last_connection_ms":14990,"max_reached":{reached}}}"#
        );
        drains.enter("a", &message, surroundings);
    }
    assert_eq!(drains.max_reached, 1);
}

#[test]
fn a_slow_clients_request_on_its_old_connection_is_no_propagation() {
    let mut drains = Drains::default();
    let message = r#"{"phase":"stopped","lame_duck_ms":15001,"last_connection_ms":900,"last_sign_ms":14990,"max_reached":true}"#;
    drains.enter("a", message, Surroundings::default());
    assert_eq!(drains.propagation().unwrap().longest_ms, 900);
    assert_eq!(drains.max_reached, 0);
}

#[test]
fn behind_a_pool_that_hides_new_connections_the_last_sign_of_traffic_counts() {
    let mut drains = Drains::default();
    let message = r#"{"phase":"stopped","lame_duck_ms":15001,"last_connection_ms":null,"last_sign_ms":14990,"max_reached":true}"#;
    let pooled = Surroundings {
        pooled: true,
        ..Surroundings::default()
    };
    drains.enter("a", message, pooled);
    assert_eq!(drains.propagation().unwrap().longest_ms, 14_990);
    assert_eq!(drains.max_reached, 1);
}

#[test]
fn a_missing_or_unfinished_report_counts_as_a_pod_alone() {
    let mut drains = Drains::default();
    for message in ["", "panicked", &message("draining", Some(3))] {
        drains.enter("a", message, Surroundings::default());
    }
    assert_eq!((drains.pods, drains.reports), (3, 0));
    assert!(drains.propagation().is_none() && drains.example.is_none());
}

#[test]
fn a_slow_clients_own_request_is_no_propagation_and_no_reason_to_raise_drain_max() {
    let report = r#"{"phase":"stopped","lame_duck_ms":15034,"last_connection_ms":709,"last_sign_ms":14672,"max_reached":true}"#;
    let mut drains = Drains::default();
    drains.enter("a", report, Surroundings::default());
    drains.enter(
        "b",
        &report.replace(r#""last_connection_ms":709,"#, ""),
        Surroundings::default(),
    );
    let met = drains.propagation().unwrap();
    assert_eq!((met.pods, met.longest_ms), (1, 709));
    assert_eq!((drains.without_traffic, drains.max_reached), (1, 0));
}

#[test]
fn one_report_is_kept_as_it_was_written() {
    let mut drains = Drains::default();
    drains.enter("a", &message("stopped", None), Surroundings::default());
    drains.enter("b", &message("stopped", Some(3)), Surroundings::default());
    drains.enter("c", &message("stopped", Some(4)), Surroundings::default());
    let example = drains.example.unwrap();
    assert_eq!(
        (example.pod.as_str(), example.report.as_str()),
        ("b", message("stopped", Some(3)).trim())
    );
}

#[test]
fn advice_leaves_half_as_much_again_to_spare() {
    let min = Duration::from_secs(5);
    for (longest_ms, told) in [
        (1_410, "drain.min = 5s fits this cluster."),
        (3_333, "drain.min = 5s fits this cluster."),
        (
            3_400,
            "drain.min = 5s covers that, with little to spare: set LASTCALL__DRAIN__MIN=6s.",
        ),
        (
            6_200,
            "drain.min = 5s is too short for this cluster: set LASTCALL__DRAIN__MIN=10s.",
        ),
    ] {
        assert_eq!(advice(&met(longest_ms), min), told);
    }
}
