"""`python -m bench NAME [--json] [--keep]`: run one bench; the last line printed is one JSON object.

`python -m bench compare` shows what is kept, or measures two commits in turn: see compare.py.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path

_HELPERS = {"__main__", "chat_server", "compare", "flash_stream", "kept", "streams", "yardstick"}


def _names() -> list[str]:
    found = pkgutil.iter_modules([str(Path(__file__).parent)])
    return sorted(module.name for module in found if module.name not in _HELPERS)


def main() -> int:
    """Run the bench named on the command line; 0: all its bounds hold, 1: one does not."""
    if sys.argv[1:2] == ["compare"]:
        from bench.compare import compare

        return compare(sys.argv[2:], _names())
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and theory.")
    parser.add_argument("name", choices=_names(), metavar="NAME", help=", ".join(_names()))
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--keep", action="store_true", help="add the figures to bench/figures.jsonl")
    arguments = parser.parse_args()
    from bench.yardstick import machine

    machine()  # before the bench leaves its own load and caches behind
    figures = {"bench": arguments.name, **importlib.import_module(f"bench.{arguments.name}").run()}
    figures["machine"] = round(machine(), 3)
    figures["pass"] = bool(figures.pop("pass"))
    if not arguments.json:
        width = max(map(len, figures))
        for key, value in figures.items():
            shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
            print(f"{key:<{width}}  {shown}")
    print(json.dumps(figures))
    if arguments.keep:
        from bench.kept import keep

        keep(figures)
    return 0 if figures["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
