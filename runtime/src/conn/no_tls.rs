//! What [`tls`](super) is without the feature `tls`: nothing, and so it costs nothing.

use std::rc::Rc;

use super::{Worker, socket::Socket, transport::Transport};
use crate::{control::OpenConnection, tls::Tls};

pub(super) async fn handshake<A>(
    _: &Rc<Worker<A>>,
    tls: &Tls,
    _: Socket,
    _: &mut OpenConnection,
) -> Option<Transport> {
    match *tls {}
}
