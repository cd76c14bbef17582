//! Where a case has a process of its own.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::case::Stop;
use super::server::{Connectors, Server};
use super::subject::Subject;
use rehearse_model::address::{AddressPool, PodAddress};
use rehearse_model::probe;
use rehearse_model::process::Process;

/// How long a program may take to become ready.
const START: Duration = Duration::from_secs(30);

/// Between two probes of a program that starts.
const RETRY: Duration = Duration::from_millis(20);

/// Of a failed program's standard error.
const LAST_LINES: usize = 3;

/// What a case starts its processes with.
pub(super) struct Launcher<'a> {
    pub(super) subject: &'a Subject,
    pub(super) addresses: &'a AddressPool,
    /// When the first termination of a process of the case began.
    terminated: Arc<OnceLock<Instant>>,
    tls: Option<Connectors>,
}

impl<'a> Launcher<'a> {
    pub(super) fn new(subject: &'a Subject, addresses: &'a AddressPool) -> Self {
        Self {
            subject,
            addresses,
            terminated: Arc::default(),
            tls: subject.tls.as_ref().map(Connectors::of),
        }
    }

    /// When the first termination of a process began, if one did.
    pub(super) fn first_termination(&self) -> Option<Instant> {
        self.terminated.get().copied()
    }

    /// A process, ready.
    pub(super) async fn start(&self) -> Result<Server<'a>, Stop> {
        self.start_with(&[]).await
    }

    /// The same with further variables.
    pub(super) async fn start_with(&self, variables: &[(&str, &str)]) -> Result<Server<'a>, Stop> {
        let address = self.address()?;
        let mut process = self.spawn(address, variables)?;
        let (probed, path) = self.subject.program.probe_target(&address);
        let began = Instant::now();
        while let Err(why) = probe::probe(probed, path).await {
            if let Ok(ended) = tokio::time::timeout(RETRY, process.wait()).await {
                let lines = process.last_lines(LAST_LINES).await.join(" / ");
                let ended = ended.map_or_else(|e| e.to_string(), |status| status.to_string());
                return Err(Stop::failed(format!(
                    "it ended at its start ({ended}): {lines}"
                )));
            }
            if began.elapsed() > START {
                return Err(Stop::failed(format!(
                    "it is not ready after {START:?}: {why}"
                )));
            }
            sleep(RETRY).await;
        }
        let terminated = Arc::clone(&self.terminated);
        let tls = self.tls.clone();
        Ok(Server::new(self.subject, process, address, tls, terminated))
    }

    /// A process with further variables, as it starts.
    pub(super) fn spawn(
        &self,
        address: PodAddress,
        variables: &[(&str, &str)],
    ) -> Result<Process, Stop> {
        let program = &self.subject.program;
        let mut command = program.command(&address);
        command.envs(variables.iter().copied());
        Process::spawn(command)
            .map_err(|error| Stop::failed(format!("cannot run {}: {error}", program.by_hand())))
    }

    pub(super) fn address(&self) -> Result<PodAddress, Stop> {
        let next = self.addresses.next();
        next.map_err(|error| Stop::not_applicable(error.to_string()))
    }
}
