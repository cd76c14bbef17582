//! `run`: any program in the service's place.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::bundled::{pairs, settings};
use super::clients::Clients;
use super::commands::Service;
use super::load::load;
use super::options::{DEPLOYMENT, Hooks, Rehearsal, RollingUpdate, Updates};
use super::plan::{BadInput, bad};
use super::scenario_file::ScenarioPath;
use super::scenarios::{Draft, updates};
use super::target::Target;
use super::values::number;
use crate::scenario::{Arm, Scenario};
use rehearse_arm::ArmName;
use rehearse_arm::load::Load;
use rehearse_model::probe::Check;
use rehearse_model::program::{PreStop, Program};

/// `rehearse run`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Program")]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Run {
    /// The program and its arguments
    #[arg(
        last = true,
        required_unless_present = "scenario",
        value_name = "PROGRAM"
    )]
    pub program: Vec<String>,
    /// Readiness: a path to get, or `tcp` for a connection to the main port
    #[arg(long, value_name = "PATH|tcp", default_value = "tcp")]
    pub ready: String,
    /// Where the readiness path is
    #[arg(long, value_name = "PORT", value_enum, default_value = "admin")]
    pub ready_on: Port,
    /// A preStop hook: `sleep 5`, or a command for sh -c that sees the pod's environment
    #[arg(long, value_name = "COMMAND")]
    pub prestop: Option<String>,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub clients: Clients,
    /// Replicas
    #[arg(long, value_name = "N", value_parser = number, default_value = "6",
        help_heading = DEPLOYMENT)]
    pub replicas: usize,
    #[command(flatten)]
    pub updates: Updates,
    #[command(flatten)]
    pub rolling: RollingUpdate,
    #[command(flatten)]
    pub rehearsal: Rehearsal,
    #[command(flatten)]
    pub scenario: ScenarioPath,
}

/// Which of a pod's two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Port {
    /// Probes and metrics
    Admin,
    /// The public one
    Main,
}

impl Draft<'_> {
    pub(super) fn run(&self, args: &Run) -> Result<Scenario, BadInput> {
        let spec = Self::rolling(args.replicas, args.rolling)?;
        let steps = updates(&args.updates)?;
        let routes = args.target.routes()?;
        let program = self.foreign(args)?;
        let name = program
            .exe
            .file_name()
            .map_or_else(String::new, |n| n.display().to_string());
        let usual = Service::Hello.usual_load();
        let theirs = args
            .target
            .load(load(self.rehearsal, &args.clients, routes, usual)?)?;
        // A control can only fail in what it serves.
        let control = match theirs.uploads + theirs.downloads + theirs.events + theirs.websockets {
            0 => Service::Hello,
            _ => Service::Streaming,
        };
        let ours = Load {
            routes: control.routes(&self.rehearsal.environment.set),
            ..theirs.clone()
        };
        let arm = |name| match name {
            ArmName::Service => Arm {
                name,
                program: Arc::clone(&program),
                load: theirs.clone(),
            },
            ArmName::Control | ArmName::Usual => {
                let told = (self.rehearsal, Hooks::default());
                Arm {
                    name,
                    program: control.program(name, told, self.binaries, ours.h2 > 0),
                    load: ours.clone(),
                }
            }
        };
        let arms = self.arms.iter().copied().map(arm).collect();
        Ok(self.scenario(&name, spec, steps, arms))
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
        let over_tls = matches!(check, Check::Http { admin: false, .. });
        if self.rehearsal.tls && over_tls {
            let allowed = "must be admin with --tls, or --ready tcp: the probe speaks no TLS";
            return bad("--ready-on", "main", allowed);
        }
        let prestop = args.prestop.as_deref().map_or(PreStop::None, prestop);
        let Some((exe, rest)) = args.program.split_first() else {
            let allowed = "must be given after --, or as program in the scenario file";
            return bad("PROGRAM", "", allowed);
        };
        let env = settings(self.rehearsal)
            .into_iter()
            .chain(pairs(&self.rehearsal.environment.env))
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
