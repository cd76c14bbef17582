//! What [`tls`](super) is without the feature `tls`: nothing, and so it costs nothing.

use std::sync::Arc;

use crate::settings::{Effective, Invalid};

/// The certificate that the public port shows.
#[derive(Debug)]
pub(crate) enum Tls {}

impl Tls {
    /// None: there are no settings that would ask for one.
    pub(crate) fn load<S>(_: &Effective<S>) -> Result<Option<Arc<Self>>, Invalid> {
        Ok(None)
    }
}
