# Lists the recipes.
default:
    @{{ just_executable() }} --list

# Rolling updates under load: the control, the usual practice and the service, with a verdict.
demo *ARGS:
    cargo run --release -- {{ ARGS }}

# Every test.
test *ARGS:
    cargo test {{ ARGS }}

# Format, lints and docs, with warnings denied.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace

# What the runtime costs beside plain actix-web; the count of instructions needs valgrind.
bench *ARGS:
    cargo run --release -- bench {{ ARGS }}

# Serves one service, such as `just run hello`; Ctrl+C drains it.
run SERVICE *ARGS:
    cargo run --release --package {{ SERVICE }} -- {{ ARGS }}
