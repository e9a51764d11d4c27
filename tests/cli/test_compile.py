"""`outcry compile` knows everything that there is to compile."""

from __future__ import annotations

from scenarios.build.kinds import policy_kinds
from scenarios.cli.compile import _parts


def test_every_kind_the_engine_the_book_and_recordings_are_compiled() -> None:
    parts = _parts()
    assert set(parts) == {"engine", "order book", "recordings", *policy_kinds()}
    parts["order book"]()
    parts["recordings"]()
