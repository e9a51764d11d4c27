#!/usr/bin/env bash
# Builds the wheel, checks what is in it, and runs a library scenario from it: an environment with the base
# dependencies only, in an empty folder, so that neither the checkout nor an extra can help. Needs the .venv of `make lint`.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "== wheel: build"
.venv/bin/python -m build --wheel --outdir "$work/dist" . >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }

echo "== wheel: contents"
git ls-files lob sim agents scenarios >"$work/tracked"
.venv/bin/python - "$work"/dist/*.whl "$work/tracked" <<'CHECK'
import sys
import zipfile
from pathlib import Path

wheel, tracked = Path(sys.argv[1]), set(Path(sys.argv[2]).read_text().split("\n")) - {""}
names = set(zipfile.ZipFile(wheel).namelist())
packages = {name.split("/")[0] for name in names if ".dist-info/" not in name}
if packages != {"lob", "sim", "agents", "scenarios"}:
    sys.exit(f"{wheel.name}: holds {sorted(packages)}; allowed are lob, sim, agents, scenarios only")
if missing := tracked - names:
    sys.exit(f"{wheel.name}: lacks {sorted(missing)}")
print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.2f} MB")
CHECK

echo "== wheel: run a library scenario"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --constraint "$root/constraints.txt" "$work"/dist/*.whl
mkdir "$work/empty"
cd "$work/empty"
"$work/venv/bin/outcry" version
"$work/venv/bin/outcry" run first_market --out result
[ -n "$(ls result)" ] || { echo "outcry run first_market wrote nothing"; exit 1; }
