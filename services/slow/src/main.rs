//! The program: the `slow` routes in the runtime that serves, drains and reports.

use std::process::ExitCode;

use actix_web::App;
use slow::Settings;

fn main() -> ExitCode {
    lastcall::service!().run(|settings: &Settings| App::new().configure(slow::routes(settings)))
}
