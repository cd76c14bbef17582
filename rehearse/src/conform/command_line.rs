//! A program of any kind, as the command line describes it.

use std::time::Duration;

use super::options::Conform;
use crate::cli::{BadInput, Port, bad, pairs, variables};
use humantime::format_duration;
use rehearse_conformance::{Download, PreStopHook, Probes, Routes, Slow, Subject};
use rehearse_model::probe::Check;
use rehearse_model::program::{PreStop, Program};

/// Past the lame duck, so that a slow response is still in flight when new connections are refused: to one
/// whose first SYN is lost that takes a second more.
const SLOWER: Duration = Duration::from_secs(2);

/// More than the kernel's buffers hold.
const LARGE: usize = 16_000_000;

/// What the command line says of a program.
pub(super) fn subject(options: &Conform) -> Result<Subject, BadInput> {
    let Some((exe, args)) = options.program.split_first() else {
        return bad("PROGRAM", "", "must be given after --, or else --service");
    };
    if options.lame_duck >= options.deadline {
        let allowed = "must be shorter than --deadline";
        return bad("--lame-duck", format_duration(options.lame_duck), allowed);
    }
    if options.prestop_sleep >= options.deadline {
        let allowed = "must be shorter than --deadline";
        return bad(
            "--prestop-sleep",
            format_duration(options.prestop_sleep),
            allowed,
        );
    }
    let readiness = match options.ready.as_str() {
        "tcp" => None,
        path => Some(path.to_owned()),
    };
    let on_admin = options.ready_on == Port::Admin;
    if options.tls && !on_admin && readiness.is_some() {
        let allowed = "must be admin with --tls, or --ready tcp: probes speak no TLS";
        return bad("--ready-on", "main", allowed);
    }
    let environment = &options.environment;
    let env = variables(&environment.set).chain(pairs(&environment.env));
    let env = env.collect();
    let check = readiness.clone().map_or(Check::Tcp, |path| Check::Http {
        admin: on_admin,
        path,
    });
    let name = std::path::Path::new(exe).file_name();
    let subject = Subject {
        name: name.map_or_else(String::new, |name| name.display().to_string()),
        program: Program {
            exe: exe.into(),
            args: args.to_vec(),
            env,
            check,
            prestop: PreStop::None,
            may_die_of_sigterm: true,
        },
        signal: options.signal.into(),
        prestop_sleep: options.prestop_sleep,
        lame_duck: options.lame_duck,
        deadline: options.deadline,
        routes: routes(options)?,
        probes: Probes {
            on_admin,
            readiness,
            liveness: options.live.clone(),
            health: options.health.clone(),
            prestop: prestop(options),
        },
        http2: options.http2,
        tls: None,
        short_keep_alive: pairs(options.short_keep_alive.as_slice()).next(),
        bad_setting: pairs(options.bad_setting.as_slice()).next(),
    };
    paths_begin_with_a_slash(options, &subject)?;
    Ok(subject)
}

fn prestop(options: &Conform) -> Option<PreStopHook> {
    let by_exec = options.prestop_path.clone().map(PreStopHook::Exec);
    by_exec.or_else(|| options.prestop_http_get.clone().map(PreStopHook::HttpGet))
}

fn routes(options: &Conform) -> Result<Routes, BadInput> {
    Ok(Routes {
        plain: options.path.clone(),
        slow: slow(options)?,
        download: download(options)?,
        upload: options.upload.clone(),
        events: options.events.clone(),
        websocket: options.websocket.clone(),
    })
}

fn slow(options: &Conform) -> Result<Option<Slow>, BadInput> {
    let Some(path) = options.slow.clone() else {
        return Ok(None);
    };
    let takes = match options.slow_takes {
        Some(takes) => takes,
        None if path.contains("{ms}") => options.lame_duck + SLOWER,
        None => {
            return bad(
                "--slow",
                path,
                "must contain {ms}, or else --slow-takes be given",
            );
        }
    };
    if takes <= options.lame_duck || takes >= options.deadline {
        let allowed = "must be longer than --lame-duck and shorter than --deadline";
        return bad("--slow-takes", format_duration(takes), allowed);
    }
    Ok(Some(Slow { path, takes }))
}

fn download(options: &Conform) -> Result<Option<Download>, BadInput> {
    let Some(path) = options.download.clone() else {
        return Ok(None);
    };
    match options.download_bytes {
        Some(bytes) => Ok(Some(Download { path, bytes })),
        None if path.contains("{bytes}") => Ok(Some(Download { path, bytes: LARGE })),
        None => {
            let allowed = "must contain {bytes}, or else --download-bytes be given";
            bad("--download", path, allowed)
        }
    }
}

fn paths_begin_with_a_slash(options: &Conform, subject: &Subject) -> Result<(), BadInput> {
    let (routes, probes) = (&subject.routes, &subject.probes);
    let paths = [
        ("--path", Some(&routes.plain)),
        ("--slow", routes.slow.as_ref().map(|slow| &slow.path)),
        ("--download", routes.download.as_ref().map(|d| &d.path)),
        ("--upload", routes.upload.as_ref()),
        ("--events", routes.events.as_ref()),
        ("--websocket", routes.websocket.as_ref()),
        ("--ready", probes.readiness.as_ref()),
        ("--live", probes.liveness.as_ref()),
        ("--health", probes.health.as_ref()),
        ("--prestop-path", options.prestop_path.as_ref()),
        ("--prestop-http-get", options.prestop_http_get.as_ref()),
    ];
    for (option, path) in paths {
        if let Some(path) = path.filter(|path| !path.starts_with('/')) {
            return bad(option, path, "must begin with /");
        }
    }
    Ok(())
}
