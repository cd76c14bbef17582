//! hyper-util's pooled client with its defaults.

use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rust_clients::{Asked, run};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = Asked::new();
    let client = Client::builder(TokioExecutor::new())
        .http2_only(asked.http2)
        .build_http::<Full<bytes::Bytes>>();
    run(move || {
        let (client, asked) = (client.clone(), asked.clone());
        async move {
            let method = if asked.payload.is_some() {
                Method::POST
            } else {
                Method::GET
            };
            let request = Request::builder().method(method).uri(asked.url);
            let request = request.body(Full::new(asked.payload.unwrap_or_default()))?;
            let response = client.request(request).await?;
            let status = response.status().as_u16();
            Ok((status, response.into_body().collect().await?.to_bytes()))
        }
    })
    .await;
}
