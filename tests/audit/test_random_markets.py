"""Two hundred random markets in two symbols, with every kind of agent: `outcry check` finds nothing in any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.build.kinds import policy_kinds
from scenarios.build.market import build
from scenarios.check import Report, check_run
from scenarios.run.scenario import run_scenario
from scenarios.schema.load import source_of
from tests.audit.markets import ELSEWHERE, FIDGET, KINDS, random_market

pytestmark = pytest.mark.slow
N_MARKETS = 200


def checked(number: int, folder: Path) -> Report:
    """Run a random market and check what it left."""
    (folder / "fidget.py").write_text(FIDGET)
    built = build(source_of(random_market(number), folder / "market.toml"))
    run_scenario(built, folder / str(number))
    return check_run(folder / str(number))


def in_words(report: Report) -> str:
    lines = [f"{f.check}: row {f.row}, {f.what}: expected {f.expected}, found {f.found}" for f in report.findings]
    return f"market {report.folder.name}\n" + "\n".join(lines[:12])


@pytest.mark.parametrize("first", range(0, N_MARKETS, 20))
def test_the_audit_finds_nothing_in_random_markets(first: int, tmp_path: Path) -> None:
    reports = [checked(number, tmp_path) for number in range(first, first + 20)]
    assert not [in_words(report) for report in reports if not report.is_sound]
    assert all(line.n_faults == 0 for report in reports for line in report.lines)
    # Markets in which nothing happens would prove nothing.
    assert sum(report.n_rows for report in reports) > 20 * 500


def test_every_kind_of_the_library_is_in_these_markets_or_named_with_the_reason_why_not() -> None:
    used = {row["kind"] for number in range(50) for row in random_market(number)["population"]}
    assert used == set(KINDS)
    assert used | set(ELSEWHERE) == set(policy_kinds())
