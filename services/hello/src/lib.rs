//! A service that greets, and the template for a new one: copy this folder, rename it, write your
//! routes. There are two parts, and neither knows how the process starts, drains or stops.

use actix_web::{get, post, web};
use serde::{Deserialize, Serialize};

/// The keys under `service.` in the settings file, `LASTCALL__SERVICE__…` in the environment.
/// Each needs a default in [`Default`]; the runtime merges file and environment over it, and
/// refuses unknown keys and bad values before it binds a port.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// What `GET /` answers.
    pub greeting: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            greeting: "Hello, world!".to_owned(),
        }
    }
}

/// The routes, called once for each worker thread. What handlers share goes into `app_data`.
pub fn routes(settings: &Settings) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let settings = web::Data::new(settings.clone());
    move |cfg| {
        cfg.app_data(settings)
            .service(greet)
            .service(greet_in_body)
            .service(greet_by_name);
    }
}

/// Greets as it is set.
#[get("/")]
async fn greet(settings: web::Data<Settings>) -> String {
    settings.greeting.clone()
}

/// Greets by the name in the body.
// Naming a type reads the body, of which actix-web takes 256 KiB. A `String` in the place of `Bytes`
// would add 170 KB to the image: the decoders of all character sets.
#[post("/")]
async fn greet_in_body(name: web::Bytes) -> String {
    format!("Hello, {}!", String::from_utf8_lossy(&name))
}

/// Greets by the name in the path.
// A `String` is answered as `text/plain; charset=utf-8`: a name that holds markup stays text.
#[get("/hello/{name}")]
async fn greet_by_name(name: web::Path<String>) -> String {
    format!("Hello, {name}!")
}
