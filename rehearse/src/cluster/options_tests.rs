use super::*;
use crate::cli;

fn parsed(args: &str) -> Result<Cluster, String> {
    let args = format!("rehearse {args}");
    let cli = cli::parse(args.split(' ').map(str::to_owned)).map_err(|e| e.to_string())?;
    match cli.command {
        Some(cli::Command::Cluster(cluster)) => Ok(cluster),
        other => panic!("{other:?}"),
    }
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
        ("cluster --no-control --max-surge 2", "--max-surge"),
        ("--arms control cluster --no-control", "--arms"),
    ] {
        let error = parsed(args).unwrap_err();
        assert!(error.contains(named), "{args}: {error}");
    }
}

#[test]
fn the_help_lists_the_scenarios_and_not_the_models_options() {
    let help = parsed("cluster --help").unwrap_err();
    assert!(help.contains("slow-rollouts") && help.contains("10 rolling updates"));
    assert!(
        help.contains("--json") && !help.contains("--propagation"),
        "{help}"
    );
}
