//! The preStop hook, as `POST` to a path.

use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};

use tokio::time::sleep_until;

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::http::post;
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::{Break, Wire};
use rehearse_model::address::PodAddress;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "prestop-blocks",
        claim: "preStop answers when the lame duck is over; until then newcomers are served.",
        rule: Rule::Prestop,
        needs: &[Need::LameDuck, Need::Prestop],
        observe: |stand| Box::pin(blocks(stand)),
    },
    Case {
        name: "prestop-serves-on",
        claim: "After preStop has answered, newcomers are served until the signal comes.",
        rule: Rule::Prestop,
        needs: &[Need::Prestop],
        observe: |stand| Box::pin(serves_on(stand)),
    },
    Case {
        name: "prestop-then-signal",
        claim: "A signal after preStop begins no second lame duck.",
        rule: Rule::Prestop,
        needs: &[Need::LameDuck, Need::Prestop],
        observe: |stand| Box::pin(then_signal(stand)),
    },
    Case {
        name: "prestop-from-outside",
        claim: "preStop from an address outside of the pod is refused, and changes nothing.",
        rule: Rule::Prestop,
        needs: &[Need::Prestop],
        observe: |stand| Box::pin(from_outside(stand)),
    },
    Case {
        name: "prestop-from-mesh",
        claim: "preStop from 127.0.0.6, a mesh's sidecar, is refused, and changes nothing.",
        rule: Rule::Prestop,
        needs: &[Need::Prestop],
        observe: |stand| Box::pin(from_mesh(stand)),
    },
];

/// From here Istio's sidecar connects, on behalf of whoever has called it.
const SIDECAR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

/// Calls the hook; the answer is still to come.
async fn call(pod: &Pod<'_>, wire: &mut Wire) -> Result<(), Break> {
    let path = pod.subject.probes.prestop.as_deref().unwrap_or_default();
    wire.send(post(path, 0)).await
}

/// Calls the hook, which is what tells the process to go.
async fn begin(pod: &mut Pod<'_>) -> Result<Wire, Stop> {
    pod.is_told();
    let hook = Wire::connect(pod.subject.probes.address(&pod.address)).await;
    let mut hook = hook.observing("calling preStop")?;
    call(pod, &mut hook).await.observing("calling preStop")?;
    Ok(hook)
}

/// Calls the hook, and waits for its answer.
async fn over(pod: &mut Pod<'_>) -> Outcome {
    let mut hook = begin(pod).await?;
    hook.success().await.observing("preStop's answer")?;
    Ok(())
}

async fn blocks(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut hook = begin(&mut pod).await?;
    for part in [0.2, 0.6] {
        sleep_until(pod.in_lame_duck(part)).await;
        pod.ask()
            .await
            .observing("a newcomer while preStop waits")?;
    }
    let quiet = hook.quiet_until(pod.in_lame_duck(0.8)).await;
    quiet.observing("preStop before the lame duck was over")?;
    hook.success().await.observing("preStop's answer")?;
    Ok(())
}

async fn serves_on(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    over(&mut pod).await?;
    let answered = pod.since_told();
    for pause in [0, 500, 1000] {
        let then = pod.after(answered) + std::time::Duration::from_millis(pause);
        sleep_until(then).await;
        pod.ask()
            .await
            .observing("a newcomer after preStop's answer")?;
    }
    Ok(())
}

async fn then_signal(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    over(&mut pod).await?;
    pod.tell();
    pod.refused_within(stand.subject.lame_duck.mul_f64(0.7))
        .await
}

async fn from_outside(stand: &Stand<'_>) -> Outcome {
    let outside = outer_address()
        .ok_or_else(|| Stop::not_applicable("an address of this machine that is not loopback"))?;
    let ports = [free_port()?, free_port()?];
    let at = |ip: IpAddr| PodAddress {
        http: (ip, ports[0]).into(),
        admin: (ip, ports[1]).into(),
    };
    let everywhere = Ipv4Addr::UNSPECIFIED.into();
    let pod = stand
        .start_at(at(everywhere), at(Ipv4Addr::LOCALHOST.into()))
        .await?;
    let caller = Wire::connect(stand.subject.probes.address(&at(outside))).await;
    is_refused(&pod, caller.observing("calling from outside")?).await
}

async fn from_mesh(stand: &Stand<'_>) -> Outcome {
    if TcpListener::bind((SIDECAR, 0)).is_err() {
        return Err(Stop::not_applicable("an address 127.0.0.6 of this machine"));
    }
    let pod = stand.start().await?;
    let address = stand.subject.probes.address(&pod.address);
    let caller = Wire::connect_from(SIDECAR.into(), address).await;
    is_refused(&pod, caller.observing("calling from 127.0.0.6")?).await
}

/// The hook does not answer this caller with a success, and the process has not been told to go.
async fn is_refused(pod: &Pod<'_>, mut caller: Wire) -> Outcome {
    let called = call(pod, &mut caller).await;
    called.observing("calling from elsewhere")?;
    let patience = std::time::Duration::from_secs(1) + pod.subject.lame_duck;
    let answered = tokio::time::timeout(patience, caller.response()).await;
    let status = match answered {
        Ok(Ok(response)) => response.head.status,
        // It may also just hang up.
        Ok(Err(_)) => 403,
        Err(_) => return Err(Stop::failed("it was not refused: no answer came at first")),
    };
    expect(status >= 400, || format!("status {status}"))?;
    // A process that has been told to go tells its clients.
    let mut kept = pod.connect().await.observing("after it")?;
    let response = kept.ask(&pod.plain()).await.observing("after it")?;
    expect(!response.head.says_goodbye(), || {
        "it was told to go".to_owned()
    })
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
