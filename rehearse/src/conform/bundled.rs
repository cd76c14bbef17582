//! The bundled programs: what they promise is known.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::options::{Bundled, Conform};
use crate::binaries::{Binaries, CONTROL, CONTROL_H2C};
use crate::cli::{BadInput, bad, pairs, variables};
use humantime::format_duration;
use rehearse_conformance::{Download, PreStopHook, Probes, Routes, Slow, Subject};
use rehearse_model::probe::Check;
use rehearse_model::program::{PreStop, Program};

/// Modest, so that a run takes a minute or two; and the lame duck's length is fixed, because the
/// cases look at its end. Idle connections are waited for two seconds longer, which is time enough
/// for a new connection that speaks late.
const SETTINGS: [(&str, &str); 7] = [
    ("LASTCALL__DRAIN__MIN", "2s"),
    ("LASTCALL__DRAIN__QUIET", "0s"),
    ("LASTCALL__DRAIN__MAX", "2s"),
    ("LASTCALL__DRAIN__JITTER", "200ms"),
    ("LASTCALL__DRAIN__PATIENCE", "4s"),
    ("LASTCALL__GRACE_PERIOD", "8s"),
    // Half a head must last until the deadline, to be what the deadline cuts.
    ("LASTCALL__HTTP__HEAD_TIMEOUT", "20s"),
];
/// In which an idle connection ends soon.
const SHORT_KEEP_ALIVE: [&str; 2] = ["LASTCALL__HTTP__KEEP_ALIVE", "1s"];

const LAME_DUCK: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(8);
const SLOW: Duration = Duration::from_secs(4);
const LARGE: usize = 16_000_000;

/// What actix-web's own graceful stop may take, so that it fits the deadline.
const CONTROL_TIMEOUT: &str = "6";

impl Bundled {
    /// Its executable.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Slow => "slow",
            Self::Streaming => "streaming",
            Self::Control => "control",
        }
    }

    /// The programs that it needs beside this one.
    pub(super) fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Hello => &["hello"],
            Self::Slow => &["slow"],
            Self::Streaming => &["streaming"],
            Self::Control => &[],
        }
    }

    /// What is known of it.
    ///
    /// # Errors
    /// If a preStop hook is to sleep before a lame duck of the program's own.
    pub(super) fn subject(
        self,
        options: &Conform,
        binaries: &Binaries,
    ) -> Result<Subject, BadInput> {
        let Conform {
            prestop_sleep,
            environment,
            ..
        } = options;
        let (is_ours, prestop_sleep) = (self != Self::Control, *prestop_sleep);
        if is_ours && !prestop_sleep.is_zero() || prestop_sleep >= DEADLINE {
            let allowed =
                "must be 0s for a service that has a lame duck of its own, and shorter than 8s";
            return bad("--prestop-sleep", format_duration(prestop_sleep), allowed);
        }
        let own = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let env = own
            .into_iter()
            .chain([(CONTROL_H2C.0.to_owned(), CONTROL_H2C.1.to_owned())])
            .chain(variables(&environment.set))
            .chain(pairs(&environment.env))
            .collect();
        let (exe, args, prestop) = match self {
            Self::Control => (
                binaries.control(),
                &[CONTROL, "all", "--shutdown-timeout", CONTROL_TIMEOUT][..],
                None,
            ),
            _ => (
                binaries.exe(self.name()),
                &[][..],
                Some(PreStopHook::Exec("/prestop".to_owned())),
            ),
        };
        let program = Program {
            exe,
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env,
            check: Check::Http {
                admin: true,
                path: "/readyz".to_owned(),
            },
            prestop: PreStop::None,
            may_die_of_sigterm: false,
        };
        Ok(Subject {
            name: self.name().to_owned(),
            program,
            signal: Signal::SIGTERM,
            prestop_sleep,
            lame_duck: LAME_DUCK,
            deadline: DEADLINE,
            routes: self.routes(),
            probes: Probes {
                on_admin: true,
                readiness: Some("/readyz".to_owned()),
                liveness: is_ours.then(|| "/livez".to_owned()),
                health: is_ours.then(|| "/healthz".to_owned()),
                prestop,
            },
            http2: true,
            tls: None,
            short_keep_alive: Some(SHORT_KEEP_ALIVE.map(str::to_owned).into()),
            // A lame duck that no grace period fits.
            bad_setting: is_ours.then(|| ("LASTCALL__DRAIN__MAX".to_owned(), "1h".to_owned())),
        })
    }

    fn routes(self) -> Routes {
        let path = |path: &str| Some(path.to_owned());
        let slow = Some(Slow {
            path: "/?ms={ms}".to_owned(),
            takes: SLOW,
        });
        let streaming = Routes {
            plain: "/download?bytes=100".to_owned(),
            download: Some(Download {
                path: "/download?bytes={bytes}".to_owned(),
                bytes: LARGE,
            }),
            upload: path("/upload"),
            events: path("/events"),
            websocket: path("/ws"),
            slow: None,
        };
        match self {
            Self::Hello => Routes {
                plain: "/".to_owned(),
                ..Routes::default()
            },
            Self::Slow => Routes {
                plain: "/?ms=0".to_owned(),
                slow,
                upload: path("/upload"),
                ..Routes::default()
            },
            Self::Streaming => streaming,
            Self::Control => Routes {
                plain: "/?ms=0".to_owned(),
                slow,
                ..streaming
            },
        }
    }
}
