//! The program: the `orders` routes in the runtime that serves, drains and reports.

use std::process::ExitCode;

use actix_web::App;
use orders::{Settings, State};

fn main() -> ExitCode {
    orders::service(lastcall::service!())
        .run(|_: &Settings, state: &State| App::new().configure(orders::routes(state)))
}
