//! The kernel's DNAT, and not a forwarder of our own: a client then sees what a pod does, refusals
//! and FINs included, at the moment at which it does it.

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::balancer::{ADDRESS, PORT};
use crate::pod;

/// Rules in this network namespace.
pub(crate) struct Nat;

impl Nat {
    pub(crate) fn start() -> anyhow::Result<Self> {
        nft("table ip lastcall\n\
             delete table ip lastcall\n\
             table ip lastcall {\n\
               chain new { type nat hook output priority -100; }\n\
             }\n")?;
        Ok(Self)
    }

    /// One transaction: there is no moment without a rule.
    pub(crate) fn route(&mut self, pods: &[Ipv4Addr]) -> anyhow::Result<()> {
        let count = pods.len();
        let targets = pods
            .iter()
            .enumerate()
            .map(|(n, pod)| format!("{n} : {pod}"));
        let targets = targets.collect::<Vec<_>>().join(", ");
        nft(&format!(
            "flush chain ip lastcall new\n\
             add rule ip lastcall new ip daddr {ADDRESS} tcp dport {PORT} \
             dnat to numgen random mod {count} map {{ {targets} }} : {}\n",
            pod::PORT
        ))
    }
}

fn nft(rules: &str) -> anyhow::Result<()> {
    let mut command = Command::new("nft");
    command.args(["-f", "-"]).stdin(Stdio::piped());
    let mut nft = command
        .spawn()
        .context("cannot start nft: is nftables installed?")?;
    let mut stdin = nft.stdin.take().context("its standard input is a pipe")?;
    stdin.write_all(rules.as_bytes())?;
    drop(stdin);
    ensure!(nft.wait()?.success(), "nft refused:\n{rules}");
    Ok(())
}
