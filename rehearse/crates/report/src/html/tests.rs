use super::line::{
    Condition, Endpoint, Header, Line, Outcome, Pod, PodChange, Request, Scenario, Verdict,
};
use super::*;

fn scenario(arms: &[&str]) -> Line {
    Line::Scenario(Scenario {
        service: "hello".to_owned(),
        conditions: "3 replicas".to_owned(),
        arms: arms.iter().map(|arm| (*arm).to_owned()).collect(),
    })
}

fn request(arm: &str, at: f64, failure: Option<&str>) -> Line {
    let outcome = if failure.is_some() {
        Outcome::Failed
    } else {
        Outcome::Complete
    };
    Line::Request(Request {
        arm: arm.to_owned().into(),
        kind: "keep-alive".into(),
        client: 1,
        connection: Some(1),
        peer: Some("127.0.0.2:8080".to_owned()),
        intended_ms: at,
        started_ms: at,
        first_byte_ms: None,
        ended_ms: at + 0.3,
        outcome,
        failure: failure.map(|kind| kind.to_owned().into()),
        detail: failure.map(|_| "FIN".to_owned()),
        crossed: false,
    })
}

fn pod(arm: &str, pod: u64, what: PodChange, at_ms: f64) -> Line {
    Line::Pod(Pod {
        arm: arm.to_owned().into(),
        pod,
        address: format!("127.0.0.{}:8080", pod + 2),
        at_ms,
        what,
        detail: None,
    })
}

fn verdict(verdict: &str, summary: &str) -> Line {
    Line::Verdict(Verdict {
        verdict: verdict.to_owned(),
        summary: summary.to_owned(),
    })
}

/// Marks of failures in charts; the symbols of tables have no transformation.
fn marks(page: &str) -> usize {
    page.matches("<use href=\"#f").count() - page.matches("class=\"symbol\"").count()
}

#[test]
fn every_failure_is_a_mark_and_another_one_on_its_pods_lane() {
    let mut lines = vec![
        scenario(&["control"]),
        pod("control", 0, PodChange::Created, 0.0),
    ];
    lines.extend((0..500).map(|at| request("control", f64::from(at), Some("cut-in-body"))));
    assert_eq!(marks(&page(&lines)), 2 * 500);
    // Without a pod there is no lane.
    lines.remove(1);
    assert_eq!(marks(&page(&lines)), 500);
}

#[test]
fn a_failure_is_placed_in_its_pods_life() {
    let lines = [
        scenario(&["control"]),
        pod("control", 0, PodChange::Created, 0.0),
        pod("control", 0, PodChange::Ready, 10.0),
        pod("control", 0, PodChange::Deleted, 1_000.0),
        pod("control", 0, PodChange::Sigterm, 1_001.0),
        pod("control", 0, PodChange::Exited, 1_050.0),
        Line::Endpoint(Endpoint {
            arm: "control".to_owned().into(),
            pod: 0,
            announced_ms: 10.0,
            known_ms: 12.0,
            condition: Condition::Ready,
        }),
        Line::Endpoint(Endpoint {
            arm: "control".to_owned().into(),
            pod: 0,
            announced_ms: 1_000.0,
            known_ms: 1_700.0,
            condition: Condition::Terminating,
        }),
        request("control", 1_312.0, Some("connect-refused")),
    ];
    let page = page(&lines);
    assert!(
        page.contains("pod 0, T0 + 312 ms, exited, still routed to"),
        "{page}"
    );
    assert!(
        page.contains("still routes here for 700 ms after T0"),
        "{page}"
    );
}

#[test]
fn a_failure_by_way_of_a_nodes_port_belongs_to_no_moment_of_a_pods_life() {
    let mut lines = vec![
        scenario(&["control"]),
        pod("control", 0, PodChange::Created, 0.0),
        request("control", 12.0, Some("connect-refused")),
    ];
    let moments = "Failures by the moment of the pod’s life";
    assert!(page(&lines).contains(moments));
    lines[1] = pod("control", 7, PodChange::Created, 0.0);
    assert!(!page(&lines).contains(moments));
}

const EVIL: &str = "</style></title><script>alert('1')</script>\"&";

/// A log that says so wherever it can.
fn log_of(evil: &str) -> Vec<Line> {
    let mut lines = vec![
        Line::Log(Header {
            version: 1,
            rehearse: evil.to_owned(),
            command: vec![evil.to_owned()],
            began: 0,
            seed: 0,
            propagation: evil.to_owned(),
        }),
        Line::Scenario(Scenario {
            service: evil.to_owned(),
            conditions: evil.to_owned(),
            arms: vec![evil.to_owned()],
        }),
    ];
    let mut request = request(evil, 5.0, Some(evil));
    if let Line::Request(request) = &mut request {
        request.kind = evil.to_owned().into();
        request.peer = Some(evil.to_owned());
        request.detail = Some(evil.to_owned());
    }
    let mut pod = pod(evil, 0, PodChange::Exited, 9.0);
    if let Line::Pod(pod) = &mut pod {
        pod.address = evil.to_owned();
        pod.detail = Some(evil.to_owned());
    }
    lines.extend([request, pod, verdict(evil, evil)]);
    lines
}

#[test]
fn what_a_log_says_is_text_and_never_markup() {
    let page = page(&log_of(EVIL));
    assert!(
        !page.contains("<script>alert") && !page.contains("alert('"),
        "{page}"
    );
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{page}");
    let own = |markup| page.matches(markup).count();
    assert_eq!((own("<script>"), own("</style>")), (1, 1));
}

#[test]
fn an_empty_log_is_a_page_that_says_so() {
    let page = page(&[]);
    assert!(page.contains("There is no scenario in this log."));
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn scenarios_without_events_control_or_end_have_a_page_all_the_same() {
    let nothing = page(&[scenario(&["control", "service"])]);
    assert!(nothing.contains("NO VERDICT") && nothing.contains("no complete request"));
    let alone = [
        scenario(&["service"]),
        request("service", 3.0, None),
        verdict(
            "without-control",
            "UNPROVEN: the service lost 0 of 1 requests, but. None.",
        ),
    ];
    let alone = page(&alone);
    assert!(
        alone.contains("badge open") && alone.contains("UNPROVEN</span>"),
        "{alone}"
    );
    assert!(!alone.contains("NaN") && !alone.contains("inf"), "{alone}");
    let headless = page(&[request("service", 3.0, Some("timeout"))]);
    assert_eq!(marks(&headless), 1);
}

#[test]
fn a_pod_whose_end_was_not_seen_lasts_to_the_end_of_the_chart() {
    let lines = [
        scenario(&["control"]),
        pod("control", 0, PodChange::Created, 0.0),
        pod("control", 0, PodChange::Deleted, 100.0),
        pod("control", 0, PodChange::Sigterm, 101.0),
        request("control", 200.0, Some("closed-before-response")),
        request("control", 900.0, None),
    ];
    let page = page(&lines);
    assert!(page.contains("its end was not seen"), "{page}");
    assert!(page.contains("T0 + 100 ms, shutting down"), "{page}");
}

#[test]
fn a_page_loads_nothing_from_elsewhere() {
    let page = page(&[
        scenario(&["control"]),
        pod("control", 0, PodChange::Created, 0.0),
        request("control", 900.0, Some("timeout")),
        request("control", 200.0, None),
        verdict("pass", "PASS: nothing"),
    ]);
    let references = ["http://", "https://", "src=", "@import", "url(h"];
    let found: Vec<_> = references.iter().filter(|of| page.contains(**of)).collect();
    assert!(found.is_empty(), "{found:?}");
    let elsewhere = |part: &&str| !part.starts_with('#') && !part.starts_with("data:,");
    assert_eq!(page.split("href=\"").skip(1).find(elsewhere), None);
}

#[test]
fn a_million_requests_and_hundreds_of_pods_make_a_page_of_3_mb_at_most() {
    let arms = ["control", "usual", "service"];
    let mut lines = Vec::new();
    for _ in 0..2 {
        lines.push(scenario(&arms));
        for arm in arms {
            lines.extend((0..300).map(|n| pod(arm, n, PodChange::Created, n as f64 * 200.0)));
            lines.extend((0..300).map(|n| pod(arm, n, PodChange::Deleted, n as f64 * 200.0 + 9e3)));
        }
        lines.extend((0..500_000).map(|n: u32| {
            let failure = ["cut-in-body", "timeout", "cut-in-head"][n as usize % 7 % 3];
            let failed = n.is_multiple_of(3).then_some(failure);
            let mut line = request(arms[n as usize / 2 % 3], f64::from(n) * 0.12, failed);
            if let Line::Request(request) = &mut line {
                request.peer = Some(format!("127.0.0.{}:8080", n % 300 + 2));
                request.ended_ms += f64::from(n % 1_000);
            }
            line
        }));
    }
    let page = page(&lines);
    assert!(page.len() < 3_000_000, "{}", page.len());
    assert!(page.contains("are drawn as") && page.contains("200 of 300 pods"));
}

#[test]
fn every_section_of_the_page_has_a_style() {
    let page = page(&[
        scenario(&["control", "service"]),
        pod("service", 1, PodChange::Created, 0.0),
        pod("service", 1, PodChange::Ready, 5.0),
        pod("service", 1, PodChange::Deleted, 20.0),
        pod("service", 1, PodChange::Exited, 40.0),
        request("control", 10.0, Some("connect-refused")),
        request("service", 10.0, None),
        verdict("pass", "PASS: nothing lost."),
    ]);
    let sections = page.split("<section class=\"").skip(1);
    let classes: Vec<&str> = sections.filter_map(|of| of.split('"').next()).collect();
    assert!(!classes.is_empty());
    for class in classes {
        assert!(STYLE.contains(&format!(".{class}")), "{class} has no style");
    }
}
