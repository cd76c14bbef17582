//! What an arm answers before any load: that it does, and what.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use rehearse_wire::http1::{Body, Head};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::addresses::Addresses;
use super::arm::Arm;
use super::options::Url;

/// How long a port may take to answer: nodes learn of a new one later than the API server.
const LIMIT: Duration = Duration::from_secs(60);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Between two looks at a port that does not answer yet.
const LOOK: Duration = Duration::from_millis(100);

/// Waits until every address answers, and returns the body: what is deployed may answer what its
/// author likes, and must go on doing so. `None` if its length was not announced.
///
/// # Errors
/// If an address does not answer in time.
pub(super) async fn answer(
    arm: &Arm,
    addresses: &Addresses,
    (target, url): (&str, Option<&Url>),
) -> anyhow::Result<Option<String>> {
    let mut body = None;
    for address in addresses.current() {
        let answered = async {
            loop {
                match get(address, target, url).await {
                    Some(answer) => break answer,
                    None => tokio::time::sleep(LOOK).await,
                }
            }
        };
        let Ok(answer) = tokio::time::timeout(LIMIT, answered).await else {
            let name = arm.deployed.name();
            bail!("{name} does not answer at {address}{target}: see --address, --url and --path");
        };
        body = whole_body(&answer);
    }
    Ok(body)
}

/// One answer, head and body; `None`: no HTTP, or none in time.
async fn get(address: SocketAddr, target: &str, url: Option<&Url>) -> Option<Vec<u8>> {
    let host = url.map_or_else(|| address.to_string(), |url| url.authority().to_owned());
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(ANSWER, exchange).await.ok()?.ok()?;
    answer.starts_with(b"HTTP/1.1 ").then_some(answer)
}

fn whole_body(answer: &[u8]) -> Option<String> {
    let (head, length) = Head::parse(answer).ok()??;
    let body = &answer[length..];
    let whole = head.status == 200 && head.body == Body::Length(body.len() as u64);
    whole.then(|| String::from_utf8(body.to_vec()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_good_answer_of_known_length_is_expected_again() {
        let body = |answer: &str| whole_body(answer.as_bytes());
        let good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello";
        assert_eq!(body(good), Some("Hello".to_owned()));
        assert_eq!(body(&good[..good.len() - 1]), None);
        assert_eq!(body(&good.replace("200", "500")), None);
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(body(chunked), None);
        assert_eq!(body("SSH-2.0"), None);
    }
}
