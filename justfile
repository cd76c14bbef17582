# Lists the recipes.
default:
    @{{ just_executable() }} --list

# Rolling updates under load: the control, the usual practice and the service, with a verdict.
demo *ARGS:
    cargo run --release -- {{ ARGS }}

# Every test.
test *ARGS:
    cargo test {{ ARGS }}

# Format, lints and docs, with warnings denied; and the manifests, against the services' settings.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --package lastcall-runtime --features musl,otlp,tls --all-targets -- -D warnings
    cargo check --package hello --package slow --package streaming --features actix-web/default
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace
    cargo run --quiet -- lint manifests/*/

# What the runtime costs beside plain actix-web; the count of instructions needs valgrind.
bench *ARGS:
    cargo run --release -- bench {{ ARGS }}

# The connection layer under what libFuzzer makes up, for some seconds.
fuzz SECONDS="60" *ARGS:
    scripts/fuzz {{ SECONDS }} {{ ARGS }}

# Holds our services, the control and peers in other stacks to graceful shutdown: new tables.
conformance:
    scripts/conformance

# What real client libraries lose while a service is replaced; needs root, nftables and their tools.
real-clients *ARGS:
    scripts/real-clients {{ ARGS }}

# Serves one service, such as `just run hello`; Ctrl+C drains it.
run SERVICE *ARGS:
    cargo run --release --package {{ SERVICE }} -- {{ ARGS }}

# A local registry and a kind cluster; KIND_IMAGE chooses the nodes' image.
up:
    scripts/up

# Removes the cluster and its registry.
down:
    scripts/down

# Builds one service's image and pushes it to the local registry; FEATURES=tls with the service's feature.
build NAME:
    scripts/build {{ NAME }}

# Builds and pushes every service.
build-all:
    scripts/build

# The images' sizes in bytes: the program, the program by gzip -9, and what a node pulls.
sizes:
    scripts/sizes

# Makes a certificate for a service in the cluster, or renews it; it takes openssl.
certificate NAME:
    scripts/certificate {{ NAME }}

# Runs what was pushed, all services or one, and waits until it does.
deploy *NAME:
    scripts/deploy {{ NAME }}

# What runs in the cluster.
status:
    scripts/status

# A service's log, such as `just logs hello --follow`.
logs NAME *ARGS:
    scripts/logs {{ NAME }} {{ ARGS }}

# Scales a service, until the next deploy.
scale NAME N:
    scripts/scale {{ NAME }} {{ N }}

# Replaces every pod of a service by a new one.
rollout NAME:
    scripts/rollout {{ NAME }}

# The services under load in the cluster, beside controls: updated, scaled, evicted, a node drained.
rehearse-cluster *ARGS: (build "control")
    cargo run --release -- cluster --context kind-lastcall --allow node-drain \
        --control-image "$(cut -d ' ' -f 1 target/images/control)" {{ ARGS }}

# A new service, as a copy of hello, or --from another.
new NAME *ARGS:
    scripts/new {{ NAME }} {{ ARGS }}
