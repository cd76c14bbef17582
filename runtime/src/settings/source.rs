use std::{ffi::OsString, path::PathBuf};

use serde_json::Value;

/// Names the settings file where nothing else does: `exec` probes and hooks see a container's
/// environment, not its arguments.
const FILE_VARIABLE: &str = "LASTCALL_CONFIG";

/// What a service is set to, and by whom: the service's own defaults `S`, what the program says in
/// its code over them and over Lastcall's defaults, then a file, then the environment.
///
/// Nothing is read or checked before the service is bound.
///
/// ```
/// use lastcall::Settings;
///
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Greeter { greeting: String }
/// // In a test: by code alone, on any free port.
/// let settings = Settings::new(Greeter { greeting: "Hi".to_owned() })
///     .set("http.address", "127.0.0.1:0")
///     .set("http.workers", 1)
///     .set("drain.min", "0s");
/// ```
#[derive(Clone, Debug)]
pub struct Settings<S> {
    pub(super) service: S,
    pub(super) code: Vec<(String, Value)>,
    pub(super) file: Option<PathBuf>,
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl<S> Settings<S> {
    /// Lastcall's defaults, and these of the service. No file and no environment is looked at.
    pub fn new(service: S) -> Self {
        Self {
            service,
            code: Vec::new(),
            file: None,
            environment: Vec::new(),
        }
    }

    /// Sets one by its path: `.set("drain.min", "0s")`. A file and the environment, where they are
    /// read, are laid over it. The value is what would stand in the file; that there is such a
    /// setting, and that it takes such a value, is checked when the service is bound.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.code.push((key.to_owned(), value.into()));
        self
    }

    /// [`Self::set`], under whatever is set already.
    pub(crate) fn set_first(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.code.insert(0, (key.to_owned(), value.into()));
        self
    }

    /// Reads this process's environment, too, and the file that `LASTCALL_CONFIG` names.
    #[must_use]
    pub fn with_environment(self) -> Self {
        let file = std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty());
        self.with_file(file.map(PathBuf::from))
            .with_variables(std::env::vars_os())
    }

    pub(crate) fn with_file(mut self, file: Option<PathBuf>) -> Self {
        self.file = file;
        self
    }

    pub(crate) fn with_variables(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Self {
        let variables = variables.into_iter();
        self.environment = variables
            .map(|(name, text)| (name.into(), text.into()))
            .collect();
        self
    }
}

impl<S: Default> Settings<S> {
    /// As a service reads them that has no command line: the service's defaults, the file that
    /// `LASTCALL_CONFIG` names, and this process's environment.
    pub fn from_environment() -> Self {
        Self::new(S::default()).with_environment()
    }
}
