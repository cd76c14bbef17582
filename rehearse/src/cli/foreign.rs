//! `run`: any program in the service's place.

use std::sync::Arc;
use std::time::Duration;

use super::bundled::{pairs, settings};
use super::draft::Draft;
use super::loads::{at_least_one, load, not_empty};
use super::options::{Port, Run, Service};
use super::plan::{BadInput, bad};
use crate::load::Load;
use crate::scenario::{Arm, ArmName, Scenario, Steps};
use rehearse_model::probe::Check;
use rehearse_model::program::{PreStop, Program};

impl Draft<'_> {
    pub(super) fn run(&self, args: &Run) -> Result<Scenario, BadInput> {
        let spec = self.spec("--replicas", args.replicas)?;
        let steps = Steps::RollOuts {
            count: at_least_one("--rollouts", args.rollouts)?,
            pause: args.pause,
        };
        if !args.path.starts_with('/') {
            return bad("--path", &args.path, "must begin with /");
        }
        let program = self.foreign(args)?;
        let name = program
            .exe
            .file_name()
            .map_or_else(String::new, |n| n.display().to_string());
        let load = load(
            self.common,
            &args.clients,
            (&args.path, None),
            Service::Hello.usual_load(),
        )?;
        let theirs = not_empty(load)?;
        let target = Service::Hello.target(&self.common.set);
        let ours = Load {
            target: target.0.to_owned(),
            expect: target.1,
            ..theirs.clone()
        };
        let arm = |arm| match arm {
            ArmName::Service => Arm {
                name: arm,
                program: Arc::clone(&program),
                load: theirs.clone(),
            },
            ArmName::Control | ArmName::Usual => {
                let h2c = ours.h2 > 0;
                let program = Service::Hello.program(arm, self.common, self.binaries, h2c);
                Arm {
                    name: arm,
                    program,
                    load: ours.clone(),
                }
            }
        };
        Ok(self.scenario(
            &name,
            spec,
            steps,
            self.arms.iter().copied().map(arm).collect(),
        ))
    }

    fn foreign(&self, args: &Run) -> Result<Arc<Program>, BadInput> {
        let check = match args.ready.as_str() {
            "tcp" => Check::Tcp,
            path if path.starts_with('/') => Check::Http {
                admin: args.ready_on == Port::Admin,
                path: path.to_owned(),
            },
            other => {
                return bad(
                    "--ready",
                    other,
                    "must be tcp, or a path that begins with /",
                );
            }
        };
        let prestop = args.prestop.as_deref().map_or(PreStop::None, prestop);
        let Some((exe, rest)) = args.program.split_first() else {
            return bad("PROGRAM", "", "must be given after --");
        };
        let env = settings(self.common)
            .into_iter()
            .chain(pairs(&self.common.env))
            .collect();
        let (exe, args) = (exe.into(), rest.to_vec());
        Ok(Arc::new(Program {
            exe,
            args,
            env,
            check,
            prestop,
            may_die_of_sigterm: true,
        }))
    }
}

/// `sleep 5` is the kubelet's own action; anything else is a command.
fn prestop(command: &str) -> PreStop {
    let pause = command
        .strip_prefix("sleep ")
        .and_then(|seconds| seconds.trim().parse().ok());
    let sleep = pause.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let shell = || ["sh", "-c", command].map(str::to_owned).to_vec();
    sleep.map_or_else(|| PreStop::Exec(shell()), PreStop::Sleep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_is_an_action_and_the_rest_goes_to_the_shell() {
        assert_eq!(prestop("sleep 5"), PreStop::Sleep(Duration::from_secs(5)));
        assert_eq!(
            prestop("sleep 0.5"),
            PreStop::Sleep(Duration::from_millis(500))
        );
        let PreStop::Exec(words) = prestop("curl -X POST localhost:$PORT/drain") else {
            panic!()
        };
        assert_eq!(words, ["sh", "-c", "curl -X POST localhost:$PORT/drain"]);
    }
}
