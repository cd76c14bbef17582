//! Takes orders, keeps them in a database, and fulfils them in the background: the template for a service
//! with state.
//!
//! An order that was acknowledged is written; one that a replica works at is finished before that replica
//! leaves, and the others are left to the next.

mod fulfilment;
mod handlers;
pub mod metrics;
pub mod problem;
pub mod store;

use std::time::Duration;

use actix_web::web;
use anyhow::Context as _;
use lastcall::{Secret, Service, With};
use serde::{Deserialize, Serialize};

use crate::{metrics::Metrics, store::Store};

/// The keys under `service.`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The database: `sqlite:PATH?mode=rwc` for one replica, `postgres://USER:PASSWORD@HOST/NAME` for any
    /// number. In Kubernetes from a Secret: `LASTCALL__SERVICE__DATABASE_FILE`.
    pub database: Secret<String>,
    /// Connections to it, at most.
    pub connections: u32,
    /// Whether to bring the schema up to date at start; else the subcommand `migrate` does.
    pub migrate: bool,
    /// How long it takes to fulfil an order.
    #[serde(with = "humantime_serde")]
    pub fulfilment: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database: Secret::new("sqlite:orders.db?mode=rwc".to_owned()),
            connections: 5,
            migrate: true,
            fulfilment: Duration::from_millis(20),
        }
    }
}

/// What the routes need, from the start hook.
#[derive(Clone, Debug)]
pub struct State {
    /// The database.
    pub store: Store,
    /// The counters.
    pub metrics: Metrics,
    /// How long it takes to fulfil an order.
    pub fulfilment: Duration,
}

/// Everything of the service but its application: `main` runs it, and tests start it.
pub fn service(service: Service<Settings>) -> Service<Settings, With<State>> {
    let metrics = Metrics::default();
    let shown = metrics.clone();
    service
        .metrics(move |registry| shown.register(registry))
        .command("migrate", "Bring the database's schema up to date", migrate)
        .validate(|settings: &Settings| {
            let problem = "must be 1 or more";
            match settings.connections {
                0 => Err(lastcall::Invalid::new("service.connections", problem)),
                _ => Ok(()),
            }
        })
        .start(async move |settings: &Settings| {
            let store = open(settings).await?;
            if settings.migrate {
                store
                    .migrate()
                    .await
                    .context("the schema cannot be brought up to date")?;
            }
            let fulfilment = settings.fulfilment;
            Ok(State {
                store,
                metrics,
                fulfilment,
            })
        })
        .check("database", async |state: State| {
            Ok(state.store.ping().await?)
        })
        .background("fulfilment", fulfilment::run)
        .on_shutdown("database", async |state: State| {
            state.store.close().await;
            Ok(())
        })
}

async fn open(settings: &Settings) -> anyhow::Result<Store> {
    let opened = Store::open(settings.database.reveal(), settings.connections).await;
    opened.context(
        "service.database cannot be opened (of SQLite: its folder must be there, and this process's user must \
         be able to write to it)",
    )
}

async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    open(settings).await?.migrate().await?;
    Ok(())
}

/// The routes, called once for each worker thread.
pub fn routes(state: &State) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let State { store, metrics, .. } = state.clone();
    move |cfg| {
        cfg.configure(problem::extractors)
            .app_data(web::Data::new(store))
            .app_data(web::Data::new(metrics))
            .service(handlers::accept)
            .service(handlers::find)
            .service(handlers::list);
    }
}
