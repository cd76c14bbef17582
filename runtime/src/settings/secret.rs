use std::{cell::Cell, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// What a secret's value is shown as.
pub(super) const MASK: &str = "***";

/// What the error of a secret's value begins with. The rest says what is allowed, if that is known.
pub(super) const REFUSED: &str = "invalid secret";

thread_local! {
    static OPENED: Cell<bool> = const { Cell::new(false) };
    static MET: Cell<bool> = const { Cell::new(false) };
}

/// A setting that nobody is shown: it is `***` to `Debug`, to `Serialize`, to the subcommand
/// `check`, and in what is said of bad settings. Only [`reveal`](Self::reveal) gives the value.
///
/// A type that is made of a text, and has a secret within, belongs in a `Secret` as a whole: only then
/// is the text not shown where it cannot be made of it.
///
/// It is set as any other. Where it is read from a file, as Kubernetes mounts secrets,
/// `LASTCALL__SERVICE__PASSWORD_FILE` names the file for `service.password`.
///
/// ```
/// use lastcall::Secret;
///
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// struct Settings {
///     password: Secret<String>,
/// }
///
/// let settings = Settings { password: Secret::new("hunter2".to_owned()) };
/// assert_eq!(format!("{:?}", settings.password), "***");
/// assert_eq!(settings.password.reveal(), "hunter2");
/// ```
#[derive(Clone, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the code that needs it.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match is_open() {
            true => self.0.serialize(serializer),
            false => MASK.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MET.set(true);
        T::deserialize(deserializer).map(Self).map_err(|error| {
            // What serde says of the value itself stands before this.
            let allowed = error.to_string();
            let allowed = allowed
                .split_once(", expected ")
                .map(|(_, allowed)| allowed);
            D::Error::custom(match allowed {
                Some(allowed) => format!("{REFUSED}, expected {allowed}"),
                None => REFUSED.to_owned(),
            })
        })
    }
}

/// Whether what is serialized on this thread is for the settings themselves, and for nobody to see.
pub(super) fn is_open() -> bool {
    OPENED.get()
}

/// Serializes settings as they are: defaults become values, which the rest is laid over, and what
/// is masked would stay so.
pub(super) fn opened<T>(serialize: impl FnOnce() -> T) -> T {
    struct Close;
    impl Drop for Close {
        fn drop(&mut self) {
            OPENED.set(false);
        }
    }
    OPENED.set(true);
    let _close = Close;
    serialize()
}

/// Whether a secret was read on this thread since it was last asked.
pub(super) fn met() -> bool {
    MET.replace(false)
}
