#!/usr/bin/env bash
# Runs every shipped scenario by name and checks what the run left, one on each core; .ci/until.txt names those that stop
# early. Needs the .venv of `make lint`.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

one() {
    local name=$1 work=$2 until
    until=$(awk -v name="$name" '$1 == name { print $2 }' .ci/until.txt)
    {
        echo "== scenario: $name${until:+ until $until}"
        .venv/bin/outcry run "$name" --out "$work/$name" ${until:+--until "$until"} &&
            .venv/bin/outcry check "$work/$name"
    } >"$work/$name.log" 2>&1
    local status=$?
    cat "$work/$name.log"
    rm -rf "${work:?}/$name"
    return "$status"
}
export -f one
.venv/bin/outcry run first_market --out "$work/compiled" >/dev/null  # or each would compile the same kernels
for file in scenarios/library/*.toml; do basename "$file" .toml; done |
    xargs -P "$(nproc)" -I {} bash -c 'one {} '"$work"
