//! Three servers that lose requests in ways that are easy to miss, for the rehearsal to see.
//!
//! `silent` ends connections that are idle for a second, without a word; `standstill` stands still for
//! ten seconds at SIGTERM, and then answers everybody; `cut` sends bodies that only the connection's
//! end delimits, and from SIGTERM on only the first half of them.

use std::env;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

const IDLE: Duration = Duration::from_secs(1);
const STANDSTILL: Duration = Duration::from_secs(10);
/// Longer than a node takes to learn that an endpoint is gone.
const PROPAGATION: Duration = Duration::from_secs(3);
const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const LAST: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Serving,
    StandingStill,
    Leaving,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let way = env::args().nth(1).context("which way?")?;
    let variable = |name| env::var(name).context(name);
    let address = format!("{}:{}", variable("HOST")?, variable("PORT")?);
    let listener = TcpListener::bind(address).await?;
    let (life, seen) = watch::channel(Life::Serving);
    let served = way.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (way, life) = (served.clone(), seen.clone());
            tokio::spawn(async move { serve(stream, &way, life).await });
        }
    });
    signal(SignalKind::terminate())?.recv().await;
    if way == "standstill" {
        life.send_replace(Life::StandingStill);
        sleep(STANDSTILL).await;
    }
    life.send_replace(Life::Leaving);
    sleep(PROPAGATION).await;
    Ok(())
}

async fn serve(
    mut stream: TcpStream,
    way: &str,
    mut life: watch::Receiver<Life>,
) -> anyhow::Result<()> {
    let patience = match way {
        "silent" => IDLE,
        _ => Duration::from_secs(60),
    };
    let mut head = Vec::new();
    loop {
        while !head.ends_with(b"\r\n\r\n") {
            if timeout(patience, stream.read_buf(&mut head)).await?? == 0 {
                return Ok(());
            }
        }
        head.clear();
        let now = *life.wait_for(|now| *now != Life::StandingStill).await?;
        if way == "cut" {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").await?;
            let rest: &[u8] = if now == Life::Leaving {
                b""
            } else {
                b" and half"
            };
            return Ok(stream.write_all(rest).await?);
        }
        let answer = if now == Life::Leaving { LAST } else { WHOLE };
        stream.write_all(answer.as_bytes()).await?;
    }
}
