//! The program: the `hello` routes in the runtime that serves, drains and reports.

use std::process::ExitCode;

use actix_web::App;
use hello::Settings;

fn main() -> ExitCode {
    lastcall::service!().run(|settings: &Settings| App::new().configure(hello::routes(settings)))
}
