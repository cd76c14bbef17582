use std::path::Path;
use std::time::Duration;

use super::*;
use rehearse_arm::ArmName;
use rehearse_arm::load::Load;
use rehearse_client::{Content, Method};
use rehearse_model::deployment::Spec;
use rehearse_model::program::PreStop;

fn planned(args: &str) -> Result<Plan, String> {
    let cli = crate::cli::parse(
        format!("rehearse {args}")
            .split_whitespace()
            .map(str::to_owned),
    );
    let cli = cli.map_err(|error| error.to_string())?;
    plan(&cli, &Binaries::new(Some(Path::new("/bin-dir")), true)).map_err(|error| error.to_string())
}

fn scenario(args: &str) -> Scenario {
    planned(args).unwrap().scenarios.remove(0)
}

#[test]
fn the_demonstration_is_hello_and_the_sources_own_conditions_for_slow() {
    let plan = planned("").unwrap();
    assert_eq!(plan.programs, ["hello", "slow"]);
    let [hello, slow] = &plan.scenarios[..] else {
        panic!("{plan:?}")
    };
    assert_eq!((hello.service.as_str(), hello.published), ("hello", false));
    assert!(hello.arms[0].load.clients > 0 && hello.arms[0].load.rate > 0.0);
    assert_eq!((slow.service.as_str(), slow.published), ("slow", true));
    assert_eq!(
        slow.title(),
        "slow: 10 replicas, 1 rolling update; 190 keep-alive clients (no think time), \
         round trip 10ms"
    );
}

#[test]
fn three_arms_differ_in_program_and_prestop_alone() {
    let scenario = scenario("rollout");
    let hooks = [
        PreStop::None,
        PreStop::Sleep(Duration::from_secs(5)),
        PreStop::Exec(vec!["/bin-dir/hello".to_owned(), "prestop".to_owned()]),
    ];
    let this = std::env::current_exe().unwrap();
    let exes = [&*this, &*this, Path::new("/bin-dir/hello")];
    for ((arm, hook), exe) in scenario.arms.iter().zip(hooks).zip(exes) {
        assert_eq!(arm.program.prestop, hook);
        assert_eq!(arm.program.exe, exe);
        assert_eq!(
            format!("{:?}", arm.load),
            format!("{:?}", scenario.arms[0].load)
        );
    }
}

#[test]
fn settings_reach_every_arm_and_variables_the_service_alone() {
    let args = "rollout --set drain.min=8s --env LASTCALL_SABOTAGE=no-fence --grace-period 90s";
    let scenario = scenario(args);
    for arm in &scenario.arms {
        let env: Vec<String> = arm
            .program
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert!(
            env.contains(&"LASTCALL__DRAIN__MIN=8s".to_owned()),
            "{env:?}"
        );
        assert!(
            env.contains(&"LASTCALL__GRACE_PERIOD=1m30s".to_owned()),
            "{env:?}"
        );
        let sabotaged = env.contains(&"LASTCALL_SABOTAGE=no-fence".to_owned());
        assert_eq!(sabotaged, arm.name == ArmName::Service);
    }
    assert_eq!(scenario.grace, Duration::from_secs(90));
}

#[test]
fn surge_is_rounded_up_and_unavailable_down() {
    let spec = |args: &str| {
        let Spec {
            max_surge,
            max_unavailable,
            ..
        } = scenario(args).spec;
        (max_surge, max_unavailable)
    };
    assert_eq!(spec("rollout --replicas 10"), (3, 2));
    assert_eq!(spec("rollout --replicas 1"), (1, 0));
    assert_eq!(
        spec("rollout --replicas 6 --max-surge 0 --max-unavailable 50%"),
        (0, 3)
    );
    assert_eq!(
        spec("rollout --replicas 3 --max-surge 0% --max-unavailable 25%"),
        (0, 1)
    );
}

#[test]
fn any_program_takes_the_services_place_beside_the_control() {
    let plan =
        planned("run --ready /health --ready-on main -- ./app --bind {host}:{port}").unwrap();
    assert!(plan.programs.is_empty(), "the control is no other program");
    let service = &plan.scenarios[0].arms[2];
    assert_eq!(service.program.args, ["--bind", "{host}:{port}"]);
    assert_eq!(service.program.prestop, PreStop::None);
    assert!(
        service.load.routes.expect.is_none()
            && plan.scenarios[0].arms[0].load.routes.expect.is_some()
    );
    assert!(
        planned("run --arms service -- ./app")
            .unwrap()
            .programs
            .is_empty()
    );
}

#[test]
fn streaming_has_clients_of_every_kind_and_a_control_that_speaks_their_protocols() {
    let scenario = scenario("rollout --service streaming");
    assert_eq!(
        scenario.title(),
        "streaming: 4 replicas, 5 rolling updates; 50 keep-alive clients (think 300ms), \
         20 slow keep-alive clients (think log-uniform:10ms..20s), 20 one-shot/s, 10 slow uploads, 10 slow downloads, 50 event streams, 20 WebSockets, \
         5 HTTP/2 clients (20 streams), round trip 10ms"
    );
    let h2c = ("CONTROL_H2C".to_owned(), "1".to_owned());
    for arm in &scenario.arms {
        let is_control = arm.name != ArmName::Service;
        assert_eq!(arm.program.env.contains(&h2c), is_control);
    }
}

#[test]
fn who_asks_for_no_http_2_gets_a_control_without_it() {
    let h2c = |args: &str| {
        let control = scenario(args).arms.remove(0);
        assert_eq!(control.name, ArmName::Control);
        control
            .program
            .env
            .iter()
            .any(|(name, _)| name == "CONTROL_H2C")
    };
    assert!(!h2c("rollout") && !h2c("run -- ./app") && !h2c("rollout --service slow"));
    assert!(!h2c("rollout --service streaming --h2 0"));
    assert!(h2c("rollout --h2 3") && h2c("run --h2 1 --streams 100 -- ./app"));
}

#[test]
fn bad_input_names_option_value_and_what_is_allowed() {
    for (args, message) in [
        ("rollout --replicas 0", "--replicas = 0: must be 1 to 1000"),
        ("rollout --rollouts 0", "--rollouts = 0: must be at least 1"),
        (
            "rollout --rate NaN",
            "--rate = NaN: must be 0 to 100000 a second",
        ),
        (
            "rollout --event-streams 5",
            "--event-streams = 5: only with --service streaming",
        ),
        (
            "rollout --uploads 5",
            "--uploads = 5: only with --service slow or streaming",
        ),
        (
            "rollout --service slow --websockets 5",
            "--websockets = 5: only with --service streaming",
        ),
        ("rollout --streams 0", "--streams = 0: must be 1 to 100"),
        (
            "run --streams 101 -- app",
            "--streams = 101: must be 1 to 100",
        ),
        (
            "rollout --clients 0 --slow-clients 0 --rate 0",
            "--clients = 0: must be at least 1 if there are no other",
        ),
        (
            "rollout --max-surge 0 --max-unavailable 0",
            "--max-surge = 0: must not be 0 if",
        ),
        (
            "rollout --set Drain=3s",
            "--set = Drain: must be a setting's key, such as drain.min=8s",
        ),
        ("rollout --rtt 2s", "--rtt = 2s: must be at most 1s"),
        (
            "rollout --service slow --method POST",
            "--method = POST: only with --service hello",
        ),
        (
            "rollout --think uniform:20s..2s",
            "invalid value 'uniform:20s..2s' for '--think <THINK>': must be a time such as",
        ),
        (
            "rollout --slow-think normal:5s",
            "invalid value 'normal:5s' for '--slow-think <THINK>': must be a time such as",
        ),
        ("scale --to 20", "--to = 20: must differ from --from"),
        (
            "delete --deletions 0",
            "--deletions = 0: must be at least 1",
        ),
        (
            "run --ready health -- app",
            "--ready = health: must be tcp, or a path that begins with /",
        ),
        ("run --path x -- app", "--path = x: must begin with /"),
        (
            "rollout --max-surge 120%",
            "invalid value '120%' for '--max-surge <N|P%>'",
        ),
        (
            "rollout --propagation 1s,2s",
            "three durations, such as 150ms,1s,2900ms",
        ),
        (
            "rollout --network-delay 0s",
            "invalid value '0s' for '--network-delay <TIME>': must be 1ms to 1s",
        ),
        (
            "rollout --replicas six",
            "'six' for '--replicas <N>': must be a whole number",
        ),
        (
            "scale --hold soon",
            "'soon' for '--hold <TIME>': must be a time such as",
        ),
        (
            "rollout --timeout soon",
            "'soon' for '--timeout <TIME>': must be a time such as",
        ),
        (
            "run --upload-path x -- app",
            "--upload-path = x: must begin with /",
        ),
        (
            "run --uploads 3 -- app",
            "--uploads = 3: only with --upload-path",
        ),
        ("run --body x -- app", "--body = x: only with --post-path"),
        (
            "run --post-path / --body @/no/such/file -- app",
            "--body = @/no/such/file: must be a readable file: No such file",
        ),
        (
            "run --header Connection:close -- app",
            "'Connection:close' for '--header <'NAME: VALUE'>': must be \"Name: value\"",
        ),
    ] {
        let error = planned(args).unwrap_err();
        assert!(error.contains(message), "{args}: {error}");
    }
}

#[test]
fn steady_and_slow_clients_are_two_groups_of_one_run() {
    let load = |args: &str| scenario(args).arms.remove(0).load;
    let usual = load("rollout");
    assert_eq!((usual.clients, usual.slow_clients), (200, 100));
    assert_eq!(usual.think.to_string(), "300ms");
    assert_eq!(usual.slow_think.to_string(), "log-uniform:10ms..20s");
    assert_eq!(usual.rtt, Duration::from_millis(10));
    let delayed = load("rollout --network-delay 25ms");
    assert_eq!(delayed.rtt, Duration::ZERO);
    let both = load("rollout --network-delay 25ms --rtt 5ms");
    assert_eq!(both.rtt, Duration::from_millis(5));
    let args = "rollout --clients 0 --slow-clients 800 --slow-think exponential:5s --method post";
    assert_eq!(
        scenario(args).title(),
        "hello: 6 replicas, 5 rolling updates; 800 slow keep-alive clients (POST, think \
         exponential:5s), 100 one-shot/s, round trip 10ms"
    );
    let far = load("rollout --network-delay 25ms");
    assert_eq!(
        (far.rtt, far.network),
        (Duration::ZERO, Duration::from_millis(50))
    );
    assert!(
        scenario("run --rtt 0s -- app")
            .title()
            .ends_with("one-shot/s")
    );
}

#[test]
fn a_load_is_held_only_if_that_is_asked_for() {
    assert_eq!(scenario("scale").hold, Duration::ZERO);
    let held = scenario("scale --from 3 --to 6 --hold 20s");
    assert_eq!(held.hold, Duration::from_secs(20));
    let title = held.title();
    assert!(
        title.starts_with("hello: scaled from 3 to 6 at once and held for 20s; "),
        "{title}"
    );
}

#[test]
fn an_option_belongs_to_the_commands_on_which_it_has_an_effect() {
    for (args, refused) in [
        ("--seed 1 rollout", "'--seed <N>'"),
        ("scale --max-surge 1", "'--max-surge'"),
        ("rollout --hold 5s", "'--hold'"),
        ("delete --max-unavailable 1", "'--max-unavailable'"),
        ("run --no-prestop -- app", "'--no-prestop'"),
        ("run --method POST -- app", "'--method'"),
        ("rollout --path /", "'--path'"),
        ("lint . --seed 7", "'--seed'"),
        ("lint . --set a=b", "'--set'"),
        ("bench --arms control", "'--arms'"),
        ("bench --events a", "'--events'"),
        ("conform --propagation 1s,1s,1s", "'--propagation'"),
        ("cluster --no-control --bin-dir x", "--model"),
        ("--replicas 3", "'--replicas'"),
    ] {
        let error = planned(args).unwrap_err();
        assert!(error.contains(refused), "{args}: {error}");
    }
}

#[test]
fn each_option_in_a_commands_help_stands_under_a_heading() {
    for command in ["rollout", "scale", "delete", "run"] {
        let help = planned(&format!("{command} --help")).unwrap_err();
        let (_, own) = help.split_once("\nOptions:\n").unwrap();
        let own = own.split_once("\n\n").map_or(own, |(own, _)| own);
        let options = own
            .lines()
            .filter(|line| line.trim_start().starts_with('-'));
        assert!(options.count() <= 2, "{command}: {own}");
        for heading in ["Clients:", "Deployment:", "Cluster:", "Files:", "Output:"] {
            assert_eq!(
                help.matches(&format!("\n{heading}\n")).count(),
                1,
                "{command}: {heading}"
            );
        }
    }
}

#[test]
fn what_has_no_path_has_no_clients_and_what_has_one_is_asked_as_it_is() {
    let load = |args: &str| scenario(args).arms.pop().unwrap().load;
    let plain = load("run -- app");
    let streams = |load: &Load| [load.uploads, load.downloads, load.events, load.websockets];
    assert_eq!(streams(&plain), [0; 4]);
    assert_eq!(plain.method, Method::Get);
    let all = "run --post-path /items --body {} --upload-path /files --downloads 3 --download-path /big \
               --events-path /feed --websocket-path /chat --header X:y -- app";
    let scenario = scenario(all);
    let [control, _, service] = &scenario.arms[..] else {
        panic!("{scenario:?}")
    };
    assert_eq!(streams(&service.load), [10, 3, 50, 20]);
    let asked = &service.load.routes;
    assert_eq!(service.load.method, Method::Post);
    assert_eq!(
        [&asked.post, &asked.upload, &asked.events],
        ["/items", "/files", "/feed"]
    );
    assert_eq!(
        (&*asked.body, asked.content),
        (&b"{}"[..], Content::Unknown)
    );
    // The control has a route for each of them.
    assert_eq!(control.program.args, ["control", "streaming"]);
    assert_eq!(control.load.routes.post, "/upload");
    assert_eq!(control.load.routes.content, Content::Known);
    assert_eq!(streams(&control.load), streams(&service.load));
}
