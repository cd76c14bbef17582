# Sourced by scripts that change a Deployment: waiting for it, and saying why it failed.
# shellcheck shell=bash

# await NAME: shows the progress of a rollout; if it fails, why. (progressDeadlineSeconds, in the
# manifest, says when.)
await() {
    local name=$1 start=$SECONDS
    if kube rollout status "deployment/$name" | uniq; then
        printf '%s: %s pods ready after %d s\n' "$name" "$(ready "$name")" $((SECONDS - start))
    else
        explain "$name" >&2
        return 1
    fi
}

ready() {
    local pods
    pods=$(kube get deployment "$1" --output jsonpath='{.status.readyReplicas}')
    echo "${pods:-0}"
}

# Why the newest revision of a Deployment does not come up.
explain() {
    local name=$1 newest
    newest=$(newest "$name")
    printf '\n%s: the rollout failed; %s pods serve, and those of %s do not:\n' \
        "$name" "$(ready "$name")" "$newest"
    # The same for each of its pods is said once.
    { states "$name" "$newest" && warnings "$name" "$newest"; } |
        sed "s/(combined from similar events): //; s/$newest-[a-z0-9]*/$newest-…/g" |
        awk '!said[$0]++'
    printf 'More: just logs %s; just status. Back to the revision before: %s\n' "$name" \
        "kubectl --context $CONTEXT --namespace $NAMESPACE rollout undo deployment/$name"
}

# The ReplicaSet of the newest revision.
newest() {
    local revision='{.metadata.annotations.deployment\.kubernetes\.io/revision}'
    kube get replicasets --selector "app.kubernetes.io/name=$1" --output \
        "jsonpath={range .items[*]}$revision {.metadata.name}{\"\\n\"}{end}" |
        sort -n | sed -n '$s/.* //p'
}

pods() {
    kube get pods --selector "app.kubernetes.io/name=$1,pod-template-hash=${2#"$1"-}" --output "$3"
}

states() {
    pods "$1" "$2" go-template-file=scripts/why.tmpl
}

warnings() {
    local object
    # A pod that was refused leaves its reason with the ReplicaSet.
    for object in $(pods "$1" "$2" 'jsonpath={.items[*].metadata.name}') "$2"; do
        kube get events --field-selector "type=Warning,involvedObject.name=$object" --output \
            'jsonpath={range .items[*]}  event: {.reason}: {.message}{"\n"}{end}'
    done
}
