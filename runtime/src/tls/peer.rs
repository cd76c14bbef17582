use std::rc::Rc;

use rustls::pki_types::CertificateDer;

/// The certificates that a client has shown, and that `http.tls.client_ca` has signed: in the extensions of each of its
/// requests, where mutual TLS is asked for.
///
/// ```
/// use actix_web::{HttpMessage as _, HttpRequest};
/// use lastcall::PeerCertificates;
///
/// async fn who(request: HttpRequest) -> String {
///     match request.extensions().get::<PeerCertificates>() {
///         Some(client) => format!("{} bytes of DER", client.first().len()),
///         None => "nobody that we know".to_owned(),
///     }
/// }
/// # let _ = who;
/// ```
#[derive(Clone, Debug)]
pub struct PeerCertificates(Rc<[CertificateDer<'static>]>);

impl PeerCertificates {
    /// The client's chain, which is never empty.
    pub(crate) fn new(chain: &[CertificateDer<'static>]) -> Self {
        Self(chain.into())
    }

    /// The client's own certificate, in DER.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        self.0.first().map_or(&[], |first| first.as_ref())
    }

    /// The whole chain as it was sent, each in DER, the client's own first.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|certificate| certificate.as_ref())
    }
}
