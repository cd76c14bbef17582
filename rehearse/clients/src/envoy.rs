//! Envoy, with its endpoints in a file that it watches: HTTP/1.1 to them, and no retries.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command};

use anyhow::Context;
use serde_json::{Value, json};

use crate::Options;
use crate::balancer::{ADDRESS, PORT};
use crate::pod;

/// A running Envoy. Dropping it kills it.
pub(crate) struct Envoy {
    child: Child,
    folder: PathBuf,
    version: u32,
}

impl Envoy {
    pub(crate) fn start(options: &Options) -> anyhow::Result<Self> {
        let folder = fs::canonicalize(&options.results)?;
        let log = File::create(folder.join("envoy.log"))?;
        let bootstrap = folder.join("envoy.json");
        let endpoints = folder.join("endpoints.json");
        fs::write(&endpoints, resource(0, &[]).to_string())?;
        fs::write(
            &bootstrap,
            configuration(&endpoints.to_string_lossy()).to_string(),
        )?;
        let mut command = Command::new(options.tools.join("venv/bin/envoy"));
        command.arg("--config-path").arg(bootstrap);
        command.args([
            "--disable-hot-restart",
            "--concurrency",
            "2",
            "--log-level",
            "warn",
        ]);
        let child = command.stdout(log.try_clone()?).stderr(log).spawn();
        let child = child.context("cannot start it: is it installed?")?;
        Ok(Self {
            child,
            folder,
            version: 0,
        })
    }

    /// Moved into place, because a move is what it watches for.
    pub(crate) fn route(&mut self, pods: &[Ipv4Addr]) -> anyhow::Result<()> {
        self.version += 1;
        let draft = self.folder.join("endpoints.draft");
        fs::write(&draft, resource(self.version, pods).to_string())?;
        fs::rename(draft, self.folder.join("endpoints.json"))?;
        Ok(())
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn resource(version: u32, pods: &[Ipv4Addr]) -> Value {
    let endpoints = pods
        .iter()
        .map(|pod| json!({ "endpoint": { "address": address(*pod, pod::PORT) } }));
    let endpoints: Vec<Value> = endpoints.collect();
    json!({
        "version_info": version.to_string(),
        "resources": [{
            "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": "pods",
            "endpoints": [{ "lb_endpoints": endpoints }],
        }],
    })
}

fn address(address: Ipv4Addr, port: u16) -> Value {
    json!({ "socket_address": { "address": address.to_string(), "port_value": port } })
}

fn configuration(endpoints: &str) -> Value {
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": "pods" } });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "clients",
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [route] }] },
        "http_filters": [{
            "name": "router",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            },
        }],
    });
    json!({
        "static_resources": {
            "listeners": [{
                "address": address(ADDRESS, PORT),
                "filter_chains": [{ "filters": [{ "name": "http", "typed_config": manager }] }],
            }],
            "clusters": [{
                "name": "pods",
                "type": "EDS",
                "connect_timeout": "1s",
                "eds_cluster_config": {
                    "eds_config": {
                        "resource_api_version": "V3",
                        "path_config_source": { "path": endpoints },
                    },
                },
            }],
        },
        "node": { "id": "real-clients", "cluster": "real-clients" },
    })
}
