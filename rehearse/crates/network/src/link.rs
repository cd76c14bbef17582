//! The devices of both namespaces.

use std::io;
use std::net::Ipv4Addr;

use rtnetlink::packet_route::route::{RouteScope, RouteType};
use rtnetlink::{Handle, LinkUnspec, RouteMessageBuilder, new_connection};
use tun_rs::{DeviceBuilder, SyncDevice};

use super::SERVICES;

/// Both ends of the wire. The prefix takes in the services' addresses, so that each end has a
/// route to them, and to the other.
const SERVICES_END: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 1);
const CLIENTS_END: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 2);
const BOTH: u8 = 15;

/// Packets that wait in the kernel to be read. Beyond that it drops, and a crowd of clients that
/// connect at once is no fault of the network.
const QUEUE: u32 = 20_000;

/// The loopback device is the first of each namespace.
const LOOPBACK: u32 = 1;

/// The kernel's table of what is delivered on this machine (`RT_TABLE_LOCAL`).
const LOCAL: u32 = 255;

/// The clients' device, in the calling thread's namespace.
pub(super) fn clients() -> io::Result<SyncDevice> {
    device(CLIENTS_END)
}

/// The services' device, likewise, with all their addresses.
pub(super) fn services() -> io::Result<SyncDevice> {
    let device = device(SERVICES_END)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let (connection, handle, _) = new_connection()?;
        tokio::spawn(connection);
        local_addresses(&handle).await.map_err(io::Error::other)
    })?;
    Ok(device)
}

fn device(address: Ipv4Addr) -> io::Result<SyncDevice> {
    let device = DeviceBuilder::new()
        .ipv4(address, BOTH, None)
        .with(|builder| {
            builder.tx_queue_len(QUEUE);
        })
        .build_sync()?;
    device.set_nonblocking(true)?;
    Ok(device)
}

/// Every address of the services' range is this machine's own. By a route and not by an address of
/// the loopback device: a local client then comes from the address that it connects to, as it does
/// in a pod, and a pod's own hook is known by that.
async fn local_addresses(handle: &Handle) -> Result<(), rtnetlink::Error> {
    let up = LinkUnspec::new_with_index(LOOPBACK).up().build();
    handle.link().set(up).execute().await?;
    let [a, b] = SERVICES;
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(Ipv4Addr::new(a, b, 0, 0), 16)
        .output_interface(LOOPBACK)
        .table_id(LOCAL)
        .kind(RouteType::Local)
        .scope(RouteScope::Host)
        .build();
    handle.route().add(route).execute().await
}
