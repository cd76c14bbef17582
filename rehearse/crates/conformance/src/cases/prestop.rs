//! The preStop hook: a `POST` by a command in the pod (`exec`), or a `GET` by the kubelet (`httpGet`).

use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};

use tokio::time::sleep_until;

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::connection::Connection;
use crate::feature::Feature;
use crate::http1::{get, post};
use crate::launcher::Launcher;
use crate::requirement::{PRESTOP, PRESTOP_REPEATED};
use crate::server::Server;
use crate::subject::PreStopHook;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "prestop-blocks",
        claim: "The hook answers when the lame duck is over; until then new connections are served.",
        requirement: &PRESTOP,
        requires: &[Feature::LameDuck, Feature::Prestop],
        observe: |launcher| Box::pin(blocks(launcher)),
    },
    Case {
        name: "prestop-serves-on",
        claim: "After the hook has answered new connections are served until the signal comes.",
        requirement: &PRESTOP,
        requires: &[Feature::Prestop],
        observe: |launcher| Box::pin(serves_on(launcher)),
    },
    Case {
        name: "prestop-then-signal",
        claim: "A signal after the hook begins no second lame duck.",
        requirement: &PRESTOP,
        requires: &[Feature::LameDuck, Feature::Prestop],
        observe: |launcher| Box::pin(then_signal(launcher)),
    },
    Case {
        name: "prestop-repeated",
        claim: "Called twice, as may happen, the hook answers both when the lame duck is over.",
        requirement: &PRESTOP_REPEATED,
        requires: &[Feature::LameDuck, Feature::Prestop],
        observe: |launcher| Box::pin(repeated(launcher)),
    },
    Case {
        name: "prestop-from-node",
        claim: "A hook by httpGet answers GET from the node's address, without credentials, by 2xx.",
        requirement: &PRESTOP,
        requires: &[Feature::PrestopHttpGet],
        observe: |launcher| Box::pin(from_node(launcher)),
    },
    Case {
        name: "prestop-from-outside",
        claim: "A hook that a command calls refuses a caller outside of the pod, and nothing changes.",
        requirement: &PRESTOP,
        requires: &[Feature::PrestopExec],
        observe: |launcher| Box::pin(from_outside(launcher)),
    },
    Case {
        name: "prestop-from-mesh",
        claim: "A hook that a command calls refuses 127.0.0.6, a mesh's sidecar; nothing changes.",
        requirement: &PRESTOP,
        requires: &[Feature::PrestopExec],
        observe: |launcher| Box::pin(from_mesh(launcher)),
    },
];

/// From here Istio's sidecar connects, on behalf of whoever has called it.
const SIDECAR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

/// The hook's request.
fn request(server: &Server<'_>) -> String {
    match &server.subject.probes.prestop {
        Some(PreStopHook::Exec(path)) => post(path, 0),
        Some(PreStopHook::HttpGet(path)) => get(path),
        None => String::new(),
    }
}

/// Calls the hook, as whoever calls it in a cluster does; the answer is still to come.
async fn call(server: &Server<'_>) -> Result<Connection, Stop> {
    let to = server.subject.probes.address(&server.address);
    let hook = match server.subject.probes.prestop {
        Some(PreStopHook::HttpGet(_)) => Connection::connect_from(outer_address()?, to).await,
        _ => Connection::connect(to).await,
    };
    let mut hook = hook.observing("calling preStop")?;
    let sent = hook.send(request(server)).await;
    sent.observing("calling preStop")?;
    Ok(hook)
}

/// Calls the hook, which is what tells the process to go.
async fn begin_request(server: &mut Server<'_>) -> Result<Connection, Stop> {
    server.mark_termination();
    call(server).await
}

/// Calls the hook, and waits for its answer.
async fn over(server: &mut Server<'_>) -> Outcome {
    let mut hook = begin_request(server).await?;
    hook.success().await.observing("preStop's answer")?;
    Ok(())
}

async fn blocks(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut hook = begin_request(&mut server).await?;
    for part in [0.2, 0.6] {
        sleep_until(server.in_lame_duck(part)).await;
        server
            .request()
            .await
            .observing("a new connection while preStop waits")?;
    }
    let quiet = hook.quiet_until(server.in_lame_duck(0.8)).await;
    quiet.observing("preStop before the lame duck was over")?;
    hook.success().await.observing("preStop's answer")?;
    Ok(())
}

async fn serves_on(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    over(&mut server).await?;
    let answered = server.since_termination();
    for pause in [0, 500, 1000] {
        let then = server.after(answered) + std::time::Duration::from_millis(pause);
        sleep_until(then).await;
        server
            .request()
            .await
            .observing("a new connection after preStop's answer")?;
    }
    Ok(())
}

async fn then_signal(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    over(&mut server).await?;
    server.terminate();
    server
        .until_refused(launcher.subject.lame_duck.mul_f64(0.7))
        .await
}

async fn repeated(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let first = begin_request(&mut server).await?;
    sleep_until(server.in_lame_duck(0.3)).await;
    let second = call(&server).await?;
    let mut calls = [first, second];
    for hook in &mut calls {
        let quiet = hook.quiet_until(server.in_lame_duck(0.8)).await;
        quiet.observing("preStop before the lame duck was over")?;
    }
    let request = server.request().await;
    request.observing("a new connection while preStop waits")?;
    for hook in &mut calls {
        hook.success().await.observing("preStop's answer")?;
    }
    Ok(())
}

async fn from_node(launcher: &Launcher<'_>) -> Outcome {
    over(&mut launcher.start().await?).await
}

async fn from_outside(launcher: &Launcher<'_>) -> Outcome {
    is_refused(launcher, outer_address()?).await
}

async fn from_mesh(launcher: &Launcher<'_>) -> Outcome {
    if TcpListener::bind((SIDECAR, 0)).is_err() {
        return Err(Stop::not_applicable("an address 127.0.0.6 of this machine"));
    }
    is_refused(launcher, SIDECAR.into()).await
}

/// The hook does not answer a caller at this address with a success, and the process goes on.
async fn is_refused(launcher: &Launcher<'_>, caller: IpAddr) -> Outcome {
    let server = launcher.start().await?;
    let to = launcher.subject.probes.address(&server.address);
    let called = Connection::connect_from(caller, to).await;
    let mut caller = called.observing(format!("calling from {caller}"))?;
    let sent = caller.send(request(&server)).await;
    sent.observing("calling from elsewhere")?;
    let patience = std::time::Duration::from_secs(1) + server.subject.lame_duck;
    let answered = tokio::time::timeout(patience, caller.response()).await;
    let status = match answered {
        Ok(Ok(response)) => response.status,
        // It may also just hang up.
        Ok(Err(_)) => 403,
        Err(_) => return Err(Stop::failed("it was not refused: no answer came at first")),
    };
    expect(status >= 400, || format!("status {status}"))?;
    // A process that terminates announces it to its clients.
    let mut kept = server.connect().await.observing("after it")?;
    let response = kept
        .exchange(&server.plain_request())
        .await
        .observing("after it")?;
    expect(!response.close, || "its termination began".to_owned())
}

/// An address of this machine that is not loopback, as a node's is: the one by which it would reach
/// others. No packet is sent: a datagram socket only looks up the route.
fn outer_address() -> Result<IpAddr, Stop> {
    let none = || Stop::not_applicable("an address of this machine that is not loopback");
    let outer = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        // TEST-NET-3, for documentation (RFC 5737).
        socket.connect((Ipv4Addr::new(203, 0, 113, 1), 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let outer = outer().filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
    outer.ok_or_else(none)
}
