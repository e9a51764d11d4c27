"""`outcry version`: what is installed."""

from __future__ import annotations

from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Print the versions of Outcry, Python and the libraries below.

    Examples:
        outcry version
        outcry version --json
    """
    from sim.versions import versions

    console_beside(as_json, as_csv)  # not both
    found = versions()
    if not told_to_programs(as_json, as_csv, found, [{"name": n, "version": v} for n, v in found.items()]):
        for name, version in found.items():
            print(f"{name} {version}")
