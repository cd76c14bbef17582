//! A Lastcall service that demands settings, keeps secrets, and has subcommands of its own. The tests in
//! `tests/e2e` drive it.

use std::{env, process::ExitCode, thread};

use actix_web::{App, web};
use anyhow::{Context as _, bail};
use lastcall::{Invalid, Required, Secret, Service};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Settings {
    database: Required<String>,
    token: Required<Secret<String>>,
    pin: Secret<u16>,
    low: u32,
    high: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database: Required::default(),
            token: Required::default(),
            pin: Secret::new(4711),
            low: 1,
            high: 10,
        }
    }
}

fn main() -> ExitCode {
    let service = Service::new("demanding", env!("CARGO_PKG_VERSION"))
        .default("http.keep_alive", "10s")
        .validate(in_order)
        .command("migrate", "Prints what only code may see", migrate)
        .command("fail", "Fails", async |_: &Settings| {
            Err(anyhow::anyhow!("the disk is full")).context("no schema")
        })
        .command("panic", "Panics", async |_: &Settings| {
            panic!("out of order")
        })
        .command(
            "block",
            "Keeps its thread for ever",
            async |_: &Settings| {
                tracing::info!("blocked");
                loop {
                    thread::park();
                }
            },
        );
    // What an author may get wrong.
    let service = match env::var("DEFAULT") {
        Ok(key) => service.default(key.leak(), "soon"),
        Err(_) => service,
    };
    let service = match env::var("SUBCOMMAND") {
        Ok(name) => service.command(name.leak(), "", async |_: &Settings| bail!("never")),
        Err(_) => service,
    };
    service.run(|settings: &Settings| {
        tracing::info!(?settings, "an application is made");
        let database = String::clone(&settings.database);
        App::new().route(
            "/",
            web::get().to(move || std::future::ready(database.clone())),
        )
    })
}

fn in_order(settings: &Settings) -> Result<(), Invalid> {
    match settings.low <= settings.high {
        true => Ok(()),
        false => Err(Invalid::new("service.low", "must be at most service.high")),
    }
}

async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    tracing::info!(?settings, "migrating");
    println!(
        "{} {} {}",
        *settings.database,
        settings.token.reveal(),
        settings.pin.reveal()
    );
    Ok(())
}
