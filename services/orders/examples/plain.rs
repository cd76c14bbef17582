//! The same routes on plain actix-web, with its own graceful stop: what an order's acknowledgement is worth
//! there. `HOST` and `PORT` say where, `DATABASE` says which.

use std::env::var;

use actix_web::{App, HttpServer};
use anyhow::Context as _;
use orders::{State, metrics::Metrics, store::Store};

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let (host, port) = (var("HOST").context("HOST")?, var("PORT").context("PORT")?);
    let store = Store::open(&var("DATABASE").context("DATABASE")?, 5).await?;
    store.migrate().await?;
    let state = State {
        store,
        metrics: Metrics::default(),
        fulfilment: std::time::Duration::ZERO,
    };
    HttpServer::new(move || App::new().configure(orders::routes(&state)))
        .bind((host, port.parse()?))?
        .run()
        .await?;
    Ok(())
}
