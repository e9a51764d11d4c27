"""The compiled audit and its plain twin object to the same rows."""

from __future__ import annotations

import numpy as np

from lob.types import EventKind
from tests.audit.plain import first_bad_row
from tests.audit.tapes import audited, good_tape

FIELDS = (
    "sequence", "qty_lots", "leaves_lots", "contra_leaves_lots", "contra_order_id", "contra_agent", "contra_parent_id",
    "bid_ticks", "bid_lots", "ask_ticks", "ask_lots",
)  # fmt: skip
SHARED = {"sequence", "touch", "priority", "leaves", "orders"}


def test_both_pass_the_sound_tape() -> None:
    assert first_bad_row(good_tape()[:1500]) is None


def test_both_object_to_the_same_row_first_whatever_is_changed() -> None:
    draw = np.random.default_rng(5)
    good = good_tape()[:1500]
    executions = np.flatnonzero(good["kind"] == EventKind.EXECUTE)
    n_objections = 0
    for _ in range(60):
        rows = good.copy()
        at = int(draw.choice(executions) if draw.random() < 0.5 else draw.integers(len(rows)))
        name = str(draw.choice(FIELDS))
        if name.startswith("contra") and rows["kind"][at] != EventKind.EXECUTE:
            continue
        rows[name][at] += int(draw.choice([-1, 1, 7]))
        found = [finding.row for finding in audited(rows) if finding.check in SHARED and finding.row is not None]
        assert first_bad_row(rows) == min(found, default=None), (at, name)
        n_objections += bool(found)
    assert n_objections > 40
