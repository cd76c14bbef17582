use std::{fmt, process::ExitCode, sync::Arc};

use crate::exit::Exit;

/// Why a service could not be started: its settings, a port in use, its start hook.
///
/// ```
/// # use lastcall::Settings;
/// # actix_web::rt::System::new().block_on(async {
/// let settings = Settings::new(()).set("http.workers", 0);
/// let error = lastcall::service!().bind(settings).await.unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "http.workers = 0 (set by the program): must be a whole number from 1 to 1024",
/// );
/// # });
/// ```
#[derive(Clone)]
pub struct Error {
    exit: Exit,
    source: Arc<anyhow::Error>,
}

impl Error {
    pub(crate) fn new(exit: Exit, source: anyhow::Error) -> Self {
        let source = Arc::new(source);
        Self { exit, source }
    }

    /// The exit code for it: 64 for bad settings, 69 when the start hook failed, 70 for a bug, 71
    /// when the system refused; 0 if the service was told to go before it was ready.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.exit.into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.source)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.source)
    }
}

// Its causes are in what it displays, so it has no `source`.
impl std::error::Error for Error {}
