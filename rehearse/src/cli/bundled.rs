//! The programs that come with this workspace, as pods run them.

use std::sync::Arc;
use std::time::Duration;

use super::options::{Common, Service};
use super::values::Pair;
use crate::binaries::{Binaries, CONTROL, CONTROL_H2C};
use crate::scenario::ArmName;
use rehearse_model::probe::Check;
use rehearse_model::program::{PreStop, Program};

/// What is usual: a pause before SIGTERM, in which endpoints are to propagate.
const USUAL_SLEEP: Duration = Duration::from_secs(5);

/// The service's own default, where the control's is 5 s. `--set` comes after it.
const KEEP_ALIVE: (&str, &str) = ("LASTCALL__HTTP__KEEP_ALIVE", "75s");

/// All executables of the workspace that pods may run.
pub(super) const BUNDLED: [&str; 3] = ["hello", "slow", "streaming"];

impl Service {
    /// Its executable's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Slow => "slow",
            Self::Streaming => "streaming",
        }
    }

    /// What runs in a pod of this arm. Its control speaks HTTP/2 only if somebody does.
    pub(super) fn program(
        self,
        arm: ArmName,
        common: &Common,
        binaries: &Binaries,
        h2c: bool,
    ) -> Arc<Program> {
        let check = Check::Http {
            admin: true,
            path: "/readyz".to_owned(),
        };
        let mut env = Self::keep_alive(arm);
        env.extend(settings(common));
        let control = || vec![CONTROL.to_owned(), self.name().to_owned()];
        let (exe, args, prestop) = match arm {
            ArmName::Control => (binaries.control(), control(), PreStop::None),
            ArmName::Usual => (binaries.control(), control(), PreStop::Sleep(USUAL_SLEEP)),
            ArmName::Service => {
                env.extend(pairs(&common.env));
                (
                    binaries.exe(self.name()),
                    Vec::new(),
                    self.prestop(common, binaries),
                )
            }
        };
        if h2c && arm != ArmName::Service {
            env.push((CONTROL_H2C.0.to_owned(), CONTROL_H2C.1.to_owned()));
        }
        Arc::new(Program {
            exe,
            args,
            env,
            check,
            prestop,
            may_die_of_sigterm: false,
        })
    }

    /// The arms are to differ in how they leave, and not in how long they keep a slow client.
    fn keep_alive(arm: ArmName) -> Vec<(String, String)> {
        match arm {
            ArmName::Service => Vec::new(),
            ArmName::Control | ArmName::Usual => {
                vec![(KEEP_ALIVE.0.to_owned(), KEEP_ALIVE.1.to_owned())]
            }
        }
    }

    fn prestop(self, common: &Common, binaries: &Binaries) -> PreStop {
        match common.no_prestop {
            true => PreStop::None,
            false => {
                let exe = binaries.exe(self.name()).to_string_lossy().into_owned();
                PreStop::Exec(vec![exe, "prestop".to_owned()])
            }
        }
    }

    /// What its clients get, and what they must be answered with: known unless a setting decides.
    pub(super) fn target(self, set: &[Pair]) -> (&'static str, Option<String>) {
        let is_set = |key| set.iter().any(|pair| pair.name == key);
        match self {
            Self::Hello if is_set("service.greeting") => ("/", None),
            Self::Hello => ("/", Some("Hello, world!".to_owned())),
            Self::Slow if is_set("service.delay") => ("/", None),
            Self::Slow => ("/", Some("waited 1000 ms".to_owned())),
            Self::Streaming => ("/download?bytes=10000", None),
        }
    }
}

/// Settings reach pods as variables: an exec hook sees those, and not arguments.
pub(super) fn settings(common: &Common) -> Vec<(String, String)> {
    let grace = humantime::format_duration(common.grace_period).to_string();
    std::iter::once((variable("grace_period"), grace.replace(' ', "")))
        .chain(variables(&common.set))
        .collect()
}

/// Settings as variables.
pub(crate) fn variables(set: &[Pair]) -> impl Iterator<Item = (String, String)> {
    set.iter()
        .map(|pair| (variable(&pair.name), pair.value.clone()))
}

fn variable(key: &str) -> String {
    format!("LASTCALL__{}", key.replace('.', "__").to_uppercase())
}

pub(crate) fn pairs(pairs: &[Pair]) -> impl Iterator<Item = (String, String)> {
    pairs
        .iter()
        .map(|pair| (pair.name.clone(), pair.value.clone()))
}
