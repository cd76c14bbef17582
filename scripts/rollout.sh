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
    local name=$1 newest pods
    printf '\n%s: the rollout failed. ' "$name"
    newest=$(kube get replicasets --selector "app.kubernetes.io/name=$name" --output \
        jsonpath='{range .items[*]}{.metadata.annotations.deployment\.kubernetes\.io/revision} {.metadata.name}{"\n"}{end}' |
        sort -n | sed -n '$s/.* //p')
    printf '%s pods serve, as before; those of %s do not:\n' "$(ready "$name")" "$newest"
    pods=app.kubernetes.io/name=$name,pod-template-hash=${newest#"$name"-}
    kube get pods --selector "$pods" --output go-template-file=scripts/why.tmpl
    # A pod that was refused leaves its reason with the ReplicaSet.
    kube get pods --selector "$pods" --output 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' |
        { cat && echo "$newest"; } | while read -r object; do
        kube get events --field-selector "type=Warning,involvedObject.name=$object" --output \
            'jsonpath={range .items[*]}  event: {.reason}: {.message}{"\n"}{end}'
    done | sed "s/(combined from similar events): //; s/$newest-[a-z0-9]*/$newest-…/g" | sort -u
    printf 'More: just logs %s; just status. Back to the revision before: %s\n' "$name" \
        "kubectl --context $CONTEXT --namespace $NAMESPACE rollout undo deployment/$name"
}
