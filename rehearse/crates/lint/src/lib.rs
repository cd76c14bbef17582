//! Manifests held against each other and against the services: what would otherwise only show in a cluster, and some of it only in a drain.
//!
//! The figures that a manifest gives must fit those that the service will go by. Nobody but the
//! service knows the latter, so its own `check` is asked, under the environment in the manifest.

mod document;
mod findings;
mod grace_period;
mod image;
mod kustomize;
mod ports;
mod restricted;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use self::findings::Finding;

use self::document::{Object, Source};
use self::findings::Findings;
use self::service::Service;
use self::settings::Check;

/// Manifests as they are applied.
#[derive(Debug)]
pub struct Manifests {
    sources: Vec<Source>,
    findings: Findings,
}

impl Manifests {
    /// Reads files as they are, and folders as `kubectl kustomize` renders them.
    ///
    /// # Errors
    /// If a path cannot be read, or there is nothing to render it with.
    pub fn read(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut findings = Findings::default();
        let mut sources = Vec::new();
        for path in paths {
            sources.extend(Source::read(path, &mut findings)?);
        }
        Ok(Self { sources, findings })
    }

    /// The Lastcall services among them, by name.
    pub fn services(&self) -> BTreeSet<&str> {
        self.sources.iter().flat_map(Source::services).collect()
    }

    /// Whether a service among them is to speak TLS.
    pub fn speak_tls(&self) -> bool {
        let objects = self.sources.iter().flat_map(|source| &source.objects);
        let pods = objects.filter_map(|object| object.pod.as_ref());
        let mut containers = pods.flat_map(|pod| &pod.spec.containers);
        containers.any(tls::is_set)
    }

    /// What is to be mended. Services are asked by the executables in this folder, named like them.
    ///
    /// # Errors
    /// If a service cannot be asked.
    pub fn examine(mut self, programs: &Path) -> anyhow::Result<Vec<Finding>> {
        let check: Check<'_> =
            &|service, environment| settings::check(&programs.join(service), environment);
        examine(&self.sources, check, &mut self.findings)?;
        Ok(self.findings.all)
    }
}

/// All rules, over all sources.
fn examine(sources: &[Source], check: Check<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    for source in sources {
        for object in &source.objects {
            object_rules(source, object, check, findings)?;
        }
    }
    ports::different_node_ports(sources, findings);
    Ok(())
}

fn object_rules(
    source: &Source,
    object: &Object,
    check: Check<'_>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let mut problems = findings.about(source, object);
    restricted::namespace(object, &mut problems);
    let Some(pod) = &object.pod else {
        return Ok(());
    };
    restricted::pod(&pod.spec, &mut problems);
    image::pinned(&pod.spec, source.rendered, &mut problems);
    if pod.service().is_none() {
        return Ok(());
    }
    if let Some(service) = Service::of(pod, source, check, &mut problems)? {
        grace_period::matches(&service, &mut problems);
        ports::probes(&service, &mut problems);
        ports::annotations(&service, &mut problems);
        ports::services(&service, source, findings);
    }
    Ok(())
}
