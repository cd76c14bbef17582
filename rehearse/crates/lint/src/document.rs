//! Manifests as they are read: documents in a file, each an object of some kind.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use super::findings::Findings;
use super::kustomize;
use rehearse_kubernetes::{Metadata, PodTemplate};

/// One file, or one folder that was rendered.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: String,
    /// It was rendered, so what `deploy` will pin need not be pinned yet.
    pub(super) rendered: bool,
    pub(super) objects: Vec<Object>,
}

/// An object of any kind.
#[derive(Debug, Deserialize)]
pub(super) struct Object {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: Value,
    /// Of a ConfigMap.
    #[serde(default)]
    pub(super) data: BTreeMap<String, Value>,
    /// The pod that it is, or the template of those that it makes.
    #[serde(skip)]
    pub(super) pod: Option<PodTemplate>,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.metadata.name)
    }
}

impl Source {
    /// Reads a file, or renders a folder, unless it is a component: those come with the folders
    /// that use them. What cannot be understood is a finding.
    ///
    /// # Errors
    /// If it cannot be read at all.
    pub(super) fn read(path: &Path, findings: &mut Findings) -> anyhow::Result<Option<Self>> {
        let file = path.display().to_string();
        let file = file.trim_end_matches('/');
        let rendered = path.is_dir();
        if rendered && kustomize::is_component(path) {
            return Ok(None);
        }
        let yaml = match rendered {
            true => kustomize::render(path)?,
            false => Ok(fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?),
        };
        let source = yaml.and_then(|yaml| Self::parse(file, rendered, &yaml));
        Ok(source
            .map_err(|problem| findings.with_file(file, problem))
            .ok())
    }

    pub(super) fn parse(file: &str, rendered: bool, yaml: &str) -> Result<Self, String> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).map_err(one_line)?;
        let objects = documents.into_iter().filter(|document| !document.is_null());
        let objects: Result<_, _> = objects.map(Object::new).collect();
        let file = file.to_owned();
        Ok(Self {
            file,
            rendered,
            objects: objects.map_err(|e| e.to_string())?,
        })
    }

    /// The names of the services that have pods here.
    pub(super) fn services(&self) -> impl Iterator<Item = &str> {
        let pods = self.objects.iter().filter_map(|object| object.pod.as_ref());
        pods.filter_map(PodTemplate::service)
    }
}

impl Object {
    fn new(value: Value) -> serde_json::Result<Self> {
        let mut object = Self::deserialize(&value)?;
        let pod = match object.kind.as_str() {
            "Pod" => Some(&value),
            "CronJob" => value.pointer("/spec/jobTemplate/spec/template"),
            "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" | "StatefulSet" => {
                value.pointer("/spec/template")
            }
            _ => None,
        };
        object.pod = pod.map(PodTemplate::deserialize).transpose()?;
        Ok(object)
    }
}

/// The first line of a report that goes on with a drawing.
fn one_line(error: serde_saphyr::Error) -> String {
    let report = error.to_string();
    let first = report.lines().next().unwrap_or_default();
    first.trim_start_matches("error: ").to_owned()
}
