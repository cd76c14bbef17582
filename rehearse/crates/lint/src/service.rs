//! The container that runs a service, and what that service will go by there.

use std::path::Path;

use super::document::Source;
use super::findings::Problems;
use super::settings::{Check, Environment, Settings};
use super::tls;
use rehearse_kubernetes::{Container, PodTemplate, Variable};

/// What its manifests call the container that runs the service.
pub(super) const CONTAINER: &str = "service";

/// What the variables of a service's own settings begin with.
const OWN: &str = "LASTCALL__SERVICE__";

/// What a variable ends in that names a file with the value.
const FILE: &str = "_FILE";

/// What a service says of settings that somebody must set.
const UNSET: &str = "must be set: ";

/// A service in its pod.
pub(super) struct Service<'a> {
    pub(super) pod: &'a PodTemplate,
    pub(super) container: &'a Container,
    pub(super) settings: Settings,
}

impl<'a> Service<'a> {
    /// Asks the service in a pod for its settings; `None` if it has none to go by.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(super) fn of(
        pod: &'a PodTemplate,
        source: &Source,
        check: Check<'_>,
        problems: &mut Problems<'_>,
    ) -> anyhow::Result<Option<Self>> {
        let mut containers = pod.spec.containers.iter();
        let (Some(name), Some(container)) =
            (pod.service(), containers.find(|c| c.name == CONTAINER))
        else {
            problems.add(format_args!(
                "containers: must have one with the name {CONTAINER}"
            ));
            return Ok(None);
        };
        let mut environment = environment(pod, container, source, problems);
        let _stand_ins = tls::stand_in(pod, container, &mut environment, problems)?;
        let answer = check(name, &environment)?;
        let unseen = unseen(container);
        answer
            .problems
            .into_iter()
            .filter_map(|problem| without_unseen(problem, &unseen))
            .for_each(|problem| problems.add(problem));
        Ok(answer.settings.map(|settings| Self {
            pod,
            container,
            settings,
        }))
    }
}

/// Names of the variables of a service's own settings whose values are somewhere else.
fn unseen(container: &Container) -> Vec<&str> {
    let own = container
        .env
        .iter()
        .filter(|variable| variable.name.starts_with(OWN));
    own.filter_map(
        |Variable {
             name, value_from, ..
         }| {
            let by_file = name.strip_suffix(FILE);
            by_file.or_else(|| value_from.is_some().then_some(name))
        },
    )
    .collect()
}

/// What a service misses is no problem if it is in a secret.
fn without_unseen(problem: String, unseen: &[&str]) -> Option<String> {
    let Some(unset) = problem.strip_prefix(UNSET) else {
        return Some(problem);
    };
    let is_seen = |setting: &&str| {
        let by = |name: &&str| setting.ends_with(&format!("({name})"));
        !unseen.iter().any(by)
    };
    let left: Vec<_> = unset.split(", ").filter(is_seen).collect();
    (!left.is_empty()).then(|| format!("{UNSET}{}", left.join(", ")))
}

/// What of a container's environment is for the service's settings.
fn environment(
    pod: &PodTemplate,
    container: &Container,
    source: &Source,
    problems: &mut Problems<'_>,
) -> Environment {
    if !container.env_from.is_empty() {
        problems.add("envFrom: could set anything: name each variable in env");
    }
    if let Some(argument) = container
        .args
        .iter()
        .find(|arg| arg.starts_with("--config"))
    {
        problems.add(format_args!(
            "args = {argument}: preStop does not see arguments: set LASTCALL_CONFIG in env"
        ));
    }
    let mut environment = Environment::default();
    for variable in container
        .env
        .iter()
        .filter(|variable| variable.name.starts_with("LASTCALL"))
    {
        let Variable {
            name,
            value,
            value_from,
        } = variable;
        let by_file = name.starts_with("LASTCALL__") && name.ends_with(FILE);
        if value_from.is_some() || by_file {
            // A service's secrets are its own; the budget must be seen.
            if !name.starts_with(OWN) {
                let how = if by_file { "a file" } else { "valueFrom" };
                problems.add(format_args!(
                    "{name} by {how}: cannot be checked: give its value"
                ));
            }
        } else if name != "LASTCALL_CONFIG" {
            environment.variables.insert(name.clone(), value.clone());
        } else if let Some(text) = file(value, pod, container, source) {
            environment.file = Some((value.clone(), text));
        } else {
            problems.add(format_args!(
                "{name} = {value}: is in no ConfigMap that is mounted here"
            ));
        }
    }
    environment
}

/// The text of a file in the container, if a ConfigMap beside it holds it.
fn file(path: &str, pod: &PodTemplate, container: &Container, source: &Source) -> Option<String> {
    container.volume_mounts.iter().find_map(|mount| {
        let key = match mount.sub_path.as_str() {
            "" => Path::new(path)
                .strip_prefix(&mount.mount_path)
                .ok()?
                .to_str()?,
            key => Some(key).filter(|_| mount.mount_path == path)?,
        };
        let volume = pod
            .spec
            .volumes
            .iter()
            .find(|volume| volume.get("name") == Some(&mount.name.as_str().into()))?;
        let name = volume.get("configMap")?.get("name")?.as_str()?;
        let mut maps = source
            .objects
            .iter()
            .filter(|object| object.kind == "ConfigMap");
        let map = maps.find(|map| map.metadata.name == name)?;
        map.data.get(key)?.as_str().map(str::to_owned)
    })
}
