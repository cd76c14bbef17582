//! The control as a program of its own, which an image can hold; `rehearse` carries it, too.

use std::process::ExitCode;

fn main() -> ExitCode {
    rehearse_control::run(std::env::args_os())
}
