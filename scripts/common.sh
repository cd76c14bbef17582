# Sourced by the scripts: the names of things, and what must be there before anything is done.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck disable=SC2034 # each script uses some of them
CLUSTER=lastcall CONTEXT=kind-lastcall NAMESPACE=lastcall
# shellcheck disable=SC2034
REGISTRY=localhost:5001 REGISTRY_CONTAINER=lastcall-registry
# What was pushed, one file a service: the image by its digest, then the tag.
# shellcheck disable=SC2034
PUSHED=target/images
readonly BAD_USAGE=64 UNAVAILABLE=69

# fail MESSAGE [CODE]
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit "${2:-1}"
}

need_docker() {
    command -v docker >/dev/null ||
        fail "docker is not installed: https://docs.docker.com/get-docker/" $UNAVAILABLE
    docker info >/dev/null 2>&1 ||
        fail "docker does not answer: start it (docker info says what is wrong)" $UNAVAILABLE
}

need_kind() {
    command -v kind >/dev/null ||
        fail "kind is not installed: https://kind.sigs.k8s.io/docs/user/quick-start/" $UNAVAILABLE
}

need_kubectl() {
    command -v kubectl >/dev/null ||
        fail "kubectl is not installed: https://kubernetes.io/docs/tasks/tools/" $UNAVAILABLE
}

# Always with the context: what is current may be somebody's production.
kube() {
    kubectl --context "$CONTEXT" --namespace "$NAMESPACE" "$@"
}

need_cluster() {
    need_kubectl
    kubectl config get-contexts "$CONTEXT" >/dev/null 2>&1 ||
        fail "there is no cluster: just up" $UNAVAILABLE
    kube version --request-timeout=5s >/dev/null 2>&1 ||
        fail "the cluster does not answer: just up, or else just down && just up" $UNAVAILABLE
}

need_registry() {
    local running
    need_docker
    running=$(docker container inspect --format '{{.State.Running}}' "$REGISTRY_CONTAINER" \
        2>/dev/null) || running=false
    [ "$running" = true ] ||
        fail "there is no registry at $REGISTRY: just up" $UNAVAILABLE
}

# The services: a folder each.
services() {
    local folder
    for folder in services/*/; do basename "$folder"; done
}

need_service() {
    [[ $1 =~ ^[a-z][a-z0-9-]*$ && -d services/$1 ]] ||
        fail "NAME = $1: must be one of $(services | paste -s -d ' ' -)" $BAD_USAGE
}
