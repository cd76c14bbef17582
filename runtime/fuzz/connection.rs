//! libFuzzer's way into the connection layer; what is played, and the rules, are in
//! `lastcall::fuzz`, whose tests play some of it without libFuzzer, too.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| lastcall::fuzz::run(input));
