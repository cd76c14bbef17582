use super::Phase;
use crate::settings::Readiness;

/// What the three health endpoints answer: `true` is 200, `false` is 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probes {
    pub(crate) livez: bool,
    pub(crate) readyz: bool,
    pub(crate) healthz: bool,
}

/// The answers in each phase.
///
/// `/readyz` goes on passing in the lame duck: Kubernetes took the endpoint off the list when it
/// deleted the pod, and a failing probe would take away only kube-proxy's fallback to terminating
/// endpoints that still serve (KEP-1669). It fails while a readiness check of the author does. A load balancer that polls by itself needs the opposite,
/// and has `/healthz`.
pub(crate) fn probes(phase: Phase, readiness: Readiness, checks_pass: bool) -> Probes {
    let readyz = match phase {
        Phase::Ready => true,
        Phase::LameDuck => readiness == Readiness::Serving,
        Phase::Starting | Phase::Draining | Phase::Stopped => false,
    };
    Probes {
        livez: true,
        readyz: readyz && checks_pass,
        healthz: phase == Phase::Ready && checks_pass,
    }
}
