use super::*;
use clap::Parser;

#[derive(Parser)]
struct Words {
    #[command(flatten)]
    cluster: Cluster,
}

/// The options that stand behind the word `cluster`.
pub(crate) fn parsed(args: &str) -> Result<Cluster, String> {
    let words = Words::try_parse_from(args.split(' '));
    words.map(|words| words.cluster).map_err(|e| e.to_string())
}

#[test]
fn scenarios_are_chosen_by_name_in_any_order() {
    let cluster = parsed("cluster --control-image control:1 --only evict,rollouts").unwrap();
    let names: Vec<&str> = cluster.only.iter().map(|s| s.name).collect();
    assert_eq!(names, ["evict", "rollouts"]);
    assert_eq!(cluster.namespace, "lastcall");
    let all = parsed("cluster --no-control --namespace shop").unwrap();
    assert!(all.only.is_empty() && all.control_image.is_none());
}

#[test]
fn what_cannot_be_rehearsed_is_refused() {
    for (args, named) in [
        ("cluster", "--control-image"),
        ("cluster --no-control --control-image x", "--no-control"),
        ("cluster --no-control --only rollout", "rollout"),
        ("cluster --no-control --rate 301", "301"),
        ("cluster --no-control --clients 0", "0"),
        ("cluster --no-control --address node", "--address"),
        ("cluster --no-control --allow everything", "everything"),
        ("cluster --no-control --bin-dir x", "--model"),
        ("cluster --model --context kind", "--context"),
        ("cluster --model --deployment a", "--deployment"),
        ("cluster --no-control --url http://a", "--deployment"),
        (
            "cluster --no-control --deployment a --path b",
            "begin with /",
        ),
        (
            "cluster --no-control --deployment a --url https://b",
            "http://HOST",
        ),
        (
            "cluster --no-control --deployment a --replicas 1",
            "2..=200",
        ),
        ("cluster --no-control --max-surge 2", "--max-surge"),
    ] {
        let error = parsed(args).unwrap_err();
        assert!(error.contains(named), "{args}: {error}");
    }
}

#[test]
fn a_url_has_a_host_and_may_have_a_port_and_a_target() {
    for (text, host, target) in [
        ("http://orders.test", "orders.test:80", "/"),
        ("http://10.0.0.7:8080/a?b=c", "10.0.0.7:8080", "/a?b=c"),
        ("http://[::1]:8080/", "[::1]:8080", "/"),
        ("http://[::1]", "[::1]:80", "/"),
    ] {
        let url: Url = text.parse().unwrap();
        assert_eq!((&*url.host, url.target()), (host, target));
    }
    for text in [
        "orders",
        "https://orders",
        "http://",
        "http:///a",
        "http://a@b",
        "http://a/b c",
    ] {
        assert!(text.parse::<Url>().is_err(), "{text}");
    }
}

#[test]
fn the_help_lists_the_scenarios_and_not_the_models_options() {
    let help = parsed("cluster --help").unwrap_err();
    assert!(help.contains("slow-rollouts") && help.contains("10 rolling updates"));
    for option in ["--json", "--events", "--report", "--junit", "--max-failed"] {
        assert!(help.contains(option), "{option}: {help}");
    }
    assert!(!help.contains("--propagation"), "{help}");
}
