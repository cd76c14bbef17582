use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::binaries::Binaries;
use crate::cli::{Cli, Plan, parse, plan};
use crate::scenario::Scenario;
use rehearse_arm::ArmName;
use rehearse_platform::{Step, Steps};

/// A scenario file that goes with the test.
struct File(PathBuf);

impl File {
    fn new(test: &str, toml: &str) -> Self {
        let name = format!("rehearse-{test}-{}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, toml).unwrap();
        Self(path)
    }

    /// What a command line says with this file behind its command.
    fn parsed(&self, command: &str, args: &str) -> Result<Cli, String> {
        let path = self.0.to_str().unwrap();
        let words = ["rehearse", command, "--scenario", path];
        let words = words.into_iter().chain(args.split_whitespace());
        parse(words).map_err(|error| error.to_string())
    }

    fn planned(&self, command: &str, args: &str) -> Result<Plan, String> {
        let cli = self.parsed(command, args)?;
        let binaries = Binaries::new(Some("/bin-dir".as_ref()), true);
        plan(&cli, &binaries).map_err(|error| error.to_string())
    }

    fn scenario(&self, command: &str, args: &str) -> Scenario {
        self.planned(command, args).unwrap().scenarios.remove(0)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

#[test]
fn keys_are_options_and_the_command_line_comes_before_them() {
    let file = File::new(
        "keys",
        r#"
            replicas = 3
            rollouts = 2
            pause = "3s"
            rate = 12.5
            arms = ["control", "service"]
            no-prestop = true
            max-failed = 7

            [set]
            drain.min = "2s"
            drain.ignore = ["/lb"]

            [env]
            RUST_LOG = "info"
        "#,
    );
    let scenario = file.scenario("rollout", "--rollouts 4 --set drain.min=3s --arms service");
    let (count, pause) = (4, Duration::from_secs(3));
    assert_eq!(
        scenario.steps,
        Steps {
            step: Step::RollOut,
            times: count,
            pause
        }
    );
    assert_eq!(
        (scenario.spec.replicas, scenario.arms[0].load.rate),
        (3, 12.5)
    );
    let [arm] = &scenario.arms[..] else {
        panic!("{scenario:?}")
    };
    assert_eq!(arm.name, ArmName::Service);
    let env = &arm.program.env;
    let value = |name: &str| {
        env.iter()
            .rfind(|(other, _)| other == name)
            .unwrap()
            .1
            .as_str()
    };
    assert_eq!(
        value("LASTCALL__DRAIN__MIN"),
        "3s",
        "the last of them counts: {env:?}"
    );
    assert_eq!(value("LASTCALL__DRAIN__IGNORE"), "[\"/lb\"]");
    assert_eq!(value("RUST_LOG"), "info");
    let cli = file.parsed("rollout", "").unwrap();
    assert_eq!(cli.rehearsal().unwrap().limits.failed, 7);
}

#[test]
fn a_program_may_stand_in_the_file() {
    let file = File::new(
        "program",
        r#"
            program = ["./app", "--listen", "{host}:{port}"]
            header = ["Host: shop.example", "X-Token: a"]
            upload-path = "/files"
        "#,
    );
    let args = |args: &str| {
        file.scenario("run", args)
            .arms
            .pop()
            .unwrap()
            .program
            .args
            .clone()
    };
    assert_eq!(args(""), ["--listen", "{host}:{port}"]);
    assert!(args("--uploads 2 -- ./other").is_empty());
}

#[test]
fn what_cannot_be_used_is_named_with_its_line_and_with_what_can() {
    for (command, toml, parts) in [
        (
            "rollout",
            "rollouts = 2\nreplcias = 6",
            &["line 2: replcias: rollout takes only arms, ", "replicas"][..],
        ),
        (
            "scale",
            "max-surge = 1",
            &["line 1: max-surge: scale takes only "],
        ),
        (
            "rollout",
            "scenario = 'x'",
            &["line 1: scenario: rollout takes only "],
        ),
        (
            "rollout",
            "\nreplicas = 'six'",
            &[
                "line 2: ",
                "'six'",
                "'--replicas <N>'",
                "must be a whole number",
            ],
        ),
        (
            "rollout",
            "replicas = 0",
            &["line 1: --replicas = 0: must be 1 to 1000"],
        ),
        (
            "rollout",
            "think = ['1s', '2s']",
            &["line 1: think = [\"1s\", \"2s\"]: must be one value"],
        ),
        (
            "rollout",
            "no-prestop = 'yes'",
            &["line 1: no-prestop = \"yes\": must be true or false"],
        ),
        (
            "rollout",
            "set = 'drain.min=2s'",
            &["line 1: set = \"drain.min=2s\": must be a table"],
        ),
        (
            "rollout",
            "[set]\nDrain = 'x'",
            &["--set = Drain: must be a setting's key"],
        ),
        (
            "rollout",
            "arms = ['service', 'canary']",
            &["line 1: ", "'canary'", "control, usual, service"],
        ),
        ("rollout", "replicas = ", &["line 1: "]),
        (
            "run",
            "program = ['app']\nuploads = 3",
            &["line 2: --uploads = 3: only with --upload-path"],
        ),
        (
            "run",
            "replicas = 3",
            &["PROGRAM = : must be given after --, or as program in the scenario file"],
        ),
    ] {
        let file = File::new("refused", toml);
        let error = file.planned(command, "").unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{toml}: no {part:?} in {error}");
        }
    }
    let error = parse(["rehearse", "rollout", "--scenario", "/no/such/file"]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("--scenario /no/such/file: cannot read: No such file")
    );
}

#[test]
fn every_example_in_the_documentation_is_a_scenario_of_the_command_that_it_names() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenarios");
    let files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 6);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let (_, command) = text.split_once("#   rehearse ").unwrap();
        let command = command.split(' ').next().unwrap();
        let words = ["rehearse", command, "--scenario", path.to_str().unwrap()];
        let cli = parse(words).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let plan = plan(&cli, &Binaries::new(Some("/bin-dir".as_ref()), true)).unwrap();
        assert_eq!(plan.scenarios.len(), 1, "{}", path.display());
    }
}
