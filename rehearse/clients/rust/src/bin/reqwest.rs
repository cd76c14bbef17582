//! reqwest with its defaults.

use reqwest::Client;
use rust_clients::{Asked, run};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = Asked::new();
    let builder = Client::builder().no_proxy();
    let builder = if asked.http2 {
        builder.http2_prior_knowledge()
    } else {
        builder.http1_only()
    };
    let client = builder.build().expect("nothing in it can fail");
    run(move || {
        let (client, asked) = (client.clone(), asked.clone());
        async move {
            let request = match asked.payload {
                Some(payload) => client.post(asked.url).body(payload),
                None => client.get(asked.url),
            };
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok((status, response.bytes().await?))
        }
    })
    .await;
}
