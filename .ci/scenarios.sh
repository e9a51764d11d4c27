#!/usr/bin/env bash
# Runs every shipped scenario by name and checks what the run left; .ci/until.txt names those that stop early. Needs the
# .venv of `make lint`.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for file in scenarios/library/*.toml; do
    name=$(basename "$file" .toml)
    until=$(awk -v name="$name" '$1 == name { print $2 }' .ci/until.txt)
    echo "== scenario: $name${until:+ until $until}"
    .venv/bin/outcry run "$name" --out "$work/$name" ${until:+--until "$until"}
    .venv/bin/outcry check "$work/$name"
    rm -rf "${work:?}/$name"
done
