//! The preStop hook, as a `POST` by a command in the pod (`exec`).

use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};

use tokio::time::sleep_until;

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::connection::{Connection, Unexpected};
use crate::feature::Feature;
use crate::http1::post;
use crate::launcher::Launcher;
use crate::requirement::PRESTOP;
use crate::server::Server;
use rehearse_model::address::PodAddress;

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
        name: "prestop-from-outside",
        claim: "A hook that a command calls refuses a caller outside of the pod, and nothing changes.",
        requirement: &PRESTOP,
        requires: &[Feature::Prestop],
        observe: |launcher| Box::pin(from_outside(launcher)),
    },
    Case {
        name: "prestop-from-mesh",
        claim: "A hook that a command calls refuses 127.0.0.6, a mesh's sidecar; nothing changes.",
        requirement: &PRESTOP,
        requires: &[Feature::Prestop],
        observe: |launcher| Box::pin(from_mesh(launcher)),
    },
];

/// From here Istio's sidecar connects, on behalf of whoever has called it.
const SIDECAR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

/// Calls the hook; the answer is still to come.
async fn call(server: &Server<'_>, connection: &mut Connection) -> Result<(), Unexpected> {
    let path = server.subject.probes.prestop.as_deref().unwrap_or_default();
    connection.send(post(path, 0)).await
}

/// Calls the hook, which is what tells the process to go.
async fn begin_request(server: &mut Server<'_>) -> Result<Connection, Stop> {
    server.mark_termination();
    let hook = Connection::connect(server.subject.probes.address(&server.address)).await;
    let mut hook = hook.observing("calling preStop")?;
    call(server, &mut hook).await.observing("calling preStop")?;
    Ok(hook)
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

async fn from_outside(launcher: &Launcher<'_>) -> Outcome {
    let outside = outer_address()
        .ok_or_else(|| Stop::not_applicable("an address of this machine that is not loopback"))?;
    let ports = [free_port()?, free_port()?];
    let at = |ip: IpAddr| PodAddress {
        http: (ip, ports[0]).into(),
        admin: (ip, ports[1]).into(),
    };
    let everywhere = Ipv4Addr::UNSPECIFIED.into();
    let server = launcher
        .start_at(at(everywhere), at(Ipv4Addr::LOCALHOST.into()))
        .await?;
    let caller = Connection::connect(launcher.subject.probes.address(&at(outside))).await;
    is_refused(&server, caller.observing("calling from outside")?).await
}

async fn from_mesh(launcher: &Launcher<'_>) -> Outcome {
    if TcpListener::bind((SIDECAR, 0)).is_err() {
        return Err(Stop::not_applicable("an address 127.0.0.6 of this machine"));
    }
    let server = launcher.start().await?;
    let address = launcher.subject.probes.address(&server.address);
    let caller = Connection::connect_from(SIDECAR.into(), address).await;
    is_refused(&server, caller.observing("calling from 127.0.0.6")?).await
}

/// The hook does not answer this caller with a success, and the process goes on.
async fn is_refused(server: &Server<'_>, mut caller: Connection) -> Outcome {
    let called = call(server, &mut caller).await;
    called.observing("calling from elsewhere")?;
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

/// The address by which this machine would reach others. No packet is sent: a datagram socket only
/// looks up the route.
fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-3, for documentation (RFC 5737).
    socket.connect((Ipv4Addr::new(203, 0, 113, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

fn free_port() -> Result<u16, Stop> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).observing("finding a port")?;
    Ok(listener.local_addr().observing("finding a port")?.port())
}
