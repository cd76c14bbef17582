//! A client of HTTP/2. The `h2` crate knows what a GOAWAY means; what it is told too early, or loses
//! all the same, is counted.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{future::join_all, pin_mut};
use h2::client::{self, SendRequest};
use tokio::time::{sleep, timeout};

use super::{
    client::{Client, Outcome, TIMEOUT},
    wire::Wire,
};

impl Client {
    /// Uses a connection until it is over.
    pub(super) async fn converse_by_http_2(&self, wire: Wire, something_waits: impl Fn() -> bool) {
        let Ok((requests, connection)) = client::handshake(wire).await else {
            return self.note(Outcome::Lost("no handshake of HTTP/2"));
        };
        let asking = self.ask_by_http_2(requests, &something_waits);
        pin_mut!(asking);
        tokio::select! {
            // Asked first and sent second, in one poll: nothing comes in between, such as a GOAWAY that
            // `h2` would read, and answer, before it sends what it had taken.
            biased;
            () = &mut asking => {}
            // What its streams have met is told by them.
            _ = connection => asking.await,
        }
    }

    async fn ask_by_http_2(
        &self,
        mut requests: SendRequest<Bytes>,
        something_waits: &impl Fn() -> bool,
    ) {
        // It may hear of a goodbye before it has asked.
        sleep(Duration::from_millis(self.random.below(300))).await;
        for round in 0.. {
            // `h2` may send a request that it had taken before a GOAWAY, and that it reads first.
            while something_waits() {
                sleep(Duration::from_millis(1)).await;
            }
            requests = match requests.ready().await {
                Ok(requests) => requests,
                Err(_) if round == 0 => {
                    return self.note(Outcome::Lost("told to leave before the first response"));
                }
                Err(_) => return,
            };
            let streams = (0..1 + self.random.below(3)).map(|_| self.stream(requests.clone()));
            let over = join_all(streams).await.contains(&false);
            // Now and then it comes back as a newcomer.
            if over || self.random.percent(30) {
                return;
            }
            sleep(self.think()).await;
        }
    }

    /// A request and its response. False if the connection takes no more.
    async fn stream(&self, requests: SendRequest<Bytes>) -> bool {
        let Ok(mut requests) = requests.ready().await else {
            return false;
        };
        let millis = 1 << self.random.below(11);
        let request = http::Request::get(format!("http://a/slow/{millis}")).body(());
        let Ok((response, _)) = requests.send_request(request.expect("it is one"), true) else {
            return false;
        };
        let outcome = match timeout(TIMEOUT, whole(response)).await {
            Ok(Ok(body)) if body == b"slow" => Outcome::Answered,
            Ok(Ok(_)) => Outcome::Lost("a wrong response by HTTP/2"),
            Ok(Err(_)) => Outcome::Lost("a stream of HTTP/2"),
            Err(_) => Outcome::Lost("a stream of HTTP/2, without an end"),
        };
        self.note(outcome);
        outcome == Outcome::Answered
    }
}

async fn whole(response: client::ResponseFuture) -> Result<Vec<u8>, h2::Error> {
    let mut stream = response.await?.into_body();
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        // It is little, and never fails for what has been received.
        let _ = stream.flow_control().release_capacity(chunk.len());
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
