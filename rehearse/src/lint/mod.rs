//! `rehearse lint`: what would otherwise only show in a cluster, and some of it only in a drain.
//!
//! The figures that a manifest gives must fit those that the service will go by. Nobody but the
//! service knows the latter, so its own `check` is asked, under the environment in the manifest.

mod document;
mod findings;
mod grace_period;
mod image;
mod kustomize;
mod options;
mod ports;
mod restricted;
mod service;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use self::options::Lint;

use self::document::{Object, Source};
use self::findings::{Finding, Findings};
use self::service::Service;
use self::settings::Check;
use crate::binaries::Binaries;

/// Lints what the command line names, and hands back the exit code: 0, or 1 if something is to be
/// mended.
///
/// # Errors
/// If it cannot be found out: a path that is not there, no kubectl, a service that cannot be built.
pub async fn run(options: &Lint, binaries: &Binaries) -> anyhow::Result<u8> {
    let mut findings = Findings::default();
    let mut sources = Vec::new();
    for path in &options.paths {
        sources.extend(Source::read(path, &mut findings)?);
    }
    let services: BTreeSet<&str> = sources.iter().flat_map(Source::services).collect();
    binaries.provide(&Vec::from_iter(services)).await?;
    let check: Check<'_> =
        &|service, environment| settings::check(&binaries.exe(service), environment);
    examine(&sources, check, &mut findings)?;
    print(&findings.all, options.output.json)?;
    Ok(u8::from(!findings.all.is_empty()))
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

fn print(findings: &[Finding], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(findings)?);
        return Ok(());
    }
    findings.iter().for_each(|finding| println!("{finding}"));
    match findings.len() {
        0 => println!("the manifests are fine"),
        1 => println!("1 thing to be mended"),
        n => println!("{n} things to be mended"),
    }
    Ok(())
}
