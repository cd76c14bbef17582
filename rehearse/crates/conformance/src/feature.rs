//! What a claim is about: without it the case is not applicable.

use super::subject::{PreStopHook, Subject};

/// Something a program may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    LameDuck,
    Slow,
    /// A slow response that takes as long as it is asked to.
    SlowOfAnyLength,
    Download,
    /// A download of any size asked for.
    DownloadOfAnySize,
    Upload,
    Events,
    WebSocket,
    Http2,
    Readiness,
    Admin,
    Liveness,
    Health,
    /// A preStop hook of either kind.
    Prestop,
    PrestopExec,
    PrestopHttpGet,
    BadSetting,
    Tls,
    ShortKeepAlive,
}

impl Feature {
    /// Whether `subject` has it.
    pub(super) fn is_met(self, subject: &Subject) -> bool {
        let routes = &subject.routes;
        match self {
            Self::LameDuck => !subject.lame_duck.is_zero(),
            Self::Slow => routes.slow.is_some(),
            Self::SlowOfAnyLength => routes.slow.as_ref().is_some_and(|s| s.is_of_any_length()),
            Self::Download => routes.download.is_some(),
            Self::DownloadOfAnySize => routes.download.as_ref().is_some_and(|d| d.is_of_any_size()),
            Self::Upload => routes.upload.is_some(),
            Self::Events => routes.events.is_some(),
            Self::WebSocket => routes.websocket.is_some(),
            Self::Http2 => subject.http2,
            Self::Readiness => subject.probes.readiness.is_some(),
            Self::Admin => subject.probes.on_admin && subject.probes.readiness.is_some(),
            Self::Liveness => subject.probes.liveness.is_some(),
            Self::Health => subject.probes.health.is_some(),
            Self::Prestop => subject.probes.prestop.is_some(),
            Self::PrestopExec => matches!(subject.probes.prestop, Some(PreStopHook::Exec(_))),
            Self::PrestopHttpGet => matches!(subject.probes.prestop, Some(PreStopHook::HttpGet(_))),
            Self::BadSetting => subject.bad_setting.is_some(),
            Self::Tls => subject.tls.is_some(),
            Self::ShortKeepAlive => subject.short_keep_alive.is_some(),
        }
    }

    /// The option that would make the case applicable.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::LameDuck => "--lame-duck TIME",
            Self::Slow => "--slow PATH",
            Self::SlowOfAnyLength => "{ms} in --slow PATH",
            Self::Download => "--download PATH",
            Self::DownloadOfAnySize => "{bytes} in --download PATH",
            Self::Upload => "--upload PATH",
            Self::Events => "--events PATH",
            Self::WebSocket => "--websocket PATH",
            Self::Http2 => "--http2",
            Self::Readiness => "--ready PATH",
            Self::Admin => "--ready PATH --ready-on admin",
            Self::Liveness => "--live PATH",
            Self::Health => "--health PATH",
            Self::Prestop => "--prestop-path or --prestop-http-get PATH",
            Self::PrestopExec => "--prestop-path PATH",
            Self::PrestopHttpGet => "--prestop-http-get PATH",
            Self::BadSetting => "--bad-setting NAME=VALUE",
            Self::Tls => "--tls",
            Self::ShortKeepAlive => "--short-keep-alive NAME=VALUE",
        }
    }
}
