//! What a program needs to be as quick with musl as with glibc. musl is small, which is why images are
//! linked with it, and two of its parts are slow:
//!
//! - its allocator has one lock for all threads: mimalloc takes its place (feature `allocator`);
//! - on x86_64 it copies by `rep movsq`, whose start costs more than most copies do, and compares byte by byte:
//!   `memory` takes their place. On arm64 musl copies by Arm's own routines.
//!
//! A request for the JSON of a hundred objects takes 73 us with both, 155 with `memory` alone, 310 with the
//! allocator alone, 410 with neither, and 98 with glibc (x86_64, two workers).
//!
//! Services have it by the feature `musl` of `lastcall-runtime`. With any other C library it is empty.
#![deny(unsafe_code)]

#[cfg(all(target_arch = "x86_64", any(test, target_env = "musl")))]
#[allow(
    unsafe_code,
    reason = "they are given pointers, and replace functions by name"
)]
mod memory;

#[cfg(all(feature = "allocator", target_env = "musl"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
