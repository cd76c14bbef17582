//! The program: the `streaming` routes in the runtime that serves, drains and reports.

use std::process::ExitCode;

use actix_web::App;
use streaming::Settings;

fn main() -> ExitCode {
    lastcall::service!()
        .run(|settings: &Settings| App::new().configure(streaming::routes(settings)))
}
