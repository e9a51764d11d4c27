"""A sound tape passes; damaged in any way that the audit claims to see, it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lob.types import EVENT, EventKind, Flag, Phase, Reject
from lob.units import SECOND_NS
from sim.audit import Finding, TapeAudit
from sim.settings import RiskLimits
from tests.audit.tapes import BOOKS, audited, good_tape, groups
from tests.sim.markets import MID_TICKS, OPEN_NS

Rows = np.ndarray[Any, Any]
EXECUTE, EXPIRE, REJECT = EventKind.EXECUTE, EventKind.EXPIRE, EventKind.REJECT


def copied() -> Rows:
    return good_tape().copy()


def places(rows: Rows, kind: EventKind, n: int = 4) -> list[int]:
    """Some rows of a kind, spread over the tape.

    Of orders that rest those that the tape tells of again, of others those that have a row before.
    """
    found = np.flatnonzero(rows["kind"] == kind)
    if kind in (EXECUTE, EXPIRE):
        found = found[rows["flags"][found] & Flag.FIRST == 0]
    elif kind == EventKind.ADD:
        changed = rows[np.isin(rows["kind"], (EventKind.CANCEL, EventKind.REDUCE))]
        keys = rows["order_id"][found] * 2 + rows["symbol"][found]
        found = found[np.isin(keys, changed["order_id"] * 2 + changed["symbol"])]
    return [int(k) for k in found[np.linspace(0, len(found) - 1, min(n, len(found))).astype(int)]]


def checks_of(findings: list[Finding]) -> set[str]:
    return {finding.check for finding in findings}


def test_a_sound_tape_has_no_finding_whatever_the_stretches_in_which_it_comes() -> None:
    assert audited(good_tape()) == []
    audit = TapeAudit(BOOKS, groups())
    for start in range(0, len(good_tape()), 7):
        audit(good_tape()[start : start + 7])
    assert audit.finish() == []


FREE = {
    # What a message asked for and the exchange refused; the reason is checked as far as the book refutes it.
    *((REJECT, name) for name in ("order_id", "parent_id", "price_ticks", "qty_lots", "side", "agent", "reason")),
    (REJECT, "contra_leaves_lots"),  # which kind of message it was
    # The limit of an order that never rested.
    (EXPIRE, "price_ticks"),
    # A moment later, with no other event between. (Of the venue's rows the scenario tells the time.)
    *((kind, "time_ns") for kind in EventKind if kind not in (EXECUTE, EXPIRE)),
}  # fmt: skip
"""Fields of rows that could as well be others."""


@pytest.mark.parametrize("kind", [k for k in EventKind if k <= EventKind.NEWS], ids=lambda kind: kind.name)
def test_no_field_of_a_row_can_be_changed_unnoticed(kind: EventKind) -> None:
    unnoticed = set()
    for name in EVENT.names or ():
        if (kind, name) in FREE:
            continue
        for at in places(good_tape(), kind):
            rows = copied()
            rows[name][at] += 2 if name == "side" and rows[name][at] < 0 else 1
            if not audited(rows):
                unnoticed.add((kind.name, name, at))
    assert not unnoticed


def test_a_row_that_is_left_out_told_twice_or_out_of_order_is_noticed() -> None:
    good = good_tape()
    for at in range(5, len(good) - 5, len(good) // 40):
        without = np.delete(good, at)
        twice = np.insert(good, at, good[at])
        swapped = copied()
        swapped[[at, at + 1]] = good[[at + 1, at]]
        for rows in (without, twice, swapped):
            assert audited(rows) != [], at


Damage = Callable[[Rows], None]


def first(rows: Rows, *conditions: Any) -> int:
    """The first row past the tenth part of the tape that meets all conditions."""
    met = np.logical_and.reduce(conditions)
    met[: len(rows) // 10] = False
    return int(np.flatnonzero(met)[0])


def a_step_back_in_time(rows: Rows) -> None:
    rows["time_ns"][len(rows) // 2] -= SECOND_NS


def two_messages_of_an_agent_at_once(rows: Rows) -> None:
    at = first(rows, rows["agent"] >= 0, rows["flags"] & Flag.FIRST != 0)
    own = np.flatnonzero((rows["agent"] == rows["agent"][at]) & (rows["flags"] & Flag.FIRST != 0))
    own = own[(own < at) & (rows["symbol"][own] == rows["symbol"][at])]
    rows["time_ns"][own[-1] + 1 : at + 1] = rows["time_ns"][own[-1]]


def an_unknown_kind(rows: Rows) -> None:
    rows["kind"][len(rows) // 2] = 42


def an_unknown_reason(rows: Rows) -> None:
    rows["reason"][first(rows, rows["kind"] == REJECT)] = 250


def a_message_cut_in_two(rows: Rows) -> None:
    rows["flags"][first(rows, rows["flags"] & Flag.FIRST == 0, rows["kind"] == EXECUTE)] |= Flag.FIRST


def an_agent_that_does_not_exist(rows: Rows) -> None:
    rows["agent"][first(rows, rows["kind"] == EventKind.ADD)] = 10_000


def an_agent_in_a_foreign_market(rows: Rows) -> None:
    there = set(rows["agent"][(rows["symbol"] == 1) & (rows["agent"] >= 0)].tolist())
    rows["agent"][first(rows, rows["symbol"] == 0, rows["kind"] == EXPIRE)] = there.pop()


def an_execution_in_a_halt(rows: Rows) -> None:
    at = first(rows, rows["kind"] == EXECUTE)
    rows["phase"][at] = Phase.HALTED


def a_halt_that_nobody_obeys(rows: Rows) -> None:
    at = first(rows, rows["kind"] == EventKind.NEWS)
    later = np.arange(len(rows)) >= at
    rows["kind"][at], rows["qty_lots"][at] = EventKind.PHASE, Phase.HALTED
    rows["phase"][later & (rows["symbol"] == rows["symbol"][at])] = Phase.HALTED


def the_second_in_the_queue_served_first(rows: Rows) -> None:
    """Two executions of one price change places, consistently, where both took whole orders."""
    whole = (rows["kind"] == EXECUTE) & (rows["contra_leaves_lots"] == 0)
    pair = whole[:-1] & whole[1:] & (rows["order_id"][:-1] == rows["order_id"][1:])
    same = (rows["qty_lots"][:-1] == rows["qty_lots"][1:]) & (rows["price_ticks"][:-1] == rows["price_ticks"][1:])
    at = int(np.flatnonzero(pair & same & (rows["symbol"][:-1] == rows["symbol"][1:]))[0])
    for name in ("contra_order_id", "contra_agent", "contra_parent_id"):
        rows[name][[at, at + 1]] = rows[name][[at + 1, at]]


def a_worse_price_than_the_best(rows: Rows) -> None:
    at = first(rows, rows["kind"] == EXECUTE)
    rows["price_ticks"][at] += rows["side"][at]


def a_lot_more_than_there_was(rows: Rows) -> None:
    rows["qty_lots"][first(rows, rows["kind"] == EXECUTE)] += 1


def less_than_nothing_left(rows: Rows) -> None:
    rows["leaves_lots"][first(rows, rows["kind"] == EXECUTE, rows["leaves_lots"] == 0)] = -1


def a_touch_one_tick_off(rows: Rows) -> None:
    rows["ask_ticks"][len(rows) // 2] += 1


def an_order_that_rests_through_the_touch(rows: Rows) -> None:
    at = first(rows, rows["kind"] == EventKind.ADD, rows["side"] == 1, rows["ask_lots"] > 0)
    rows["price_ticks"][at] = rows["ask_ticks"][at]


def a_false_reason(rows: Rows) -> None:
    rows["reason"][first(rows, rows["kind"] == REJECT)] = Reject.RISK_KILL_SWITCH


def a_stranger_cancels(rows: Rows) -> None:
    rows["agent"][first(rows, rows["kind"] == EventKind.CANCEL)] += 1


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        (a_step_back_in_time, "time"),
        (two_messages_of_an_agent_at_once, "time"),
        (an_unknown_kind, "rows"),
        (an_unknown_reason, "rejects"),
        (a_message_cut_in_two, "messages"),
        (an_agent_that_does_not_exist, "agents"),
        (an_agent_in_a_foreign_market, "agents"),
        (an_execution_in_a_halt, "phases"),
        (a_halt_that_nobody_obeys, "phases"),
        (the_second_in_the_queue_served_first, "priority"),
        (a_worse_price_than_the_best, "priority"),
        (a_lot_more_than_there_was, "leaves"),
        (less_than_nothing_left, "leaves"),
        (a_touch_one_tick_off, "touch"),
        (an_order_that_rests_through_the_touch, "rules"),
        (a_false_reason, "rejects"),
        (a_stranger_cancels, "orders"),
    ],
)
def test_damage_is_found_by_the_check_that_claims_to_see_it(damage: Damage, check: str) -> None:
    rows = copied()
    damage(rows)
    assert check in checks_of(audited(rows))


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"collar_ticks": 5}, "rules"),
        ({"max_order_lots": 3}, "rules"),
        ({"min_order_lots": 4}, "rules"),
        ({"n_prices": MID_TICKS + 3}, "rules"),
        ({"max_orders": 10}, "rules"),
        ({"replace_keeps_priority": True}, "priority"),
    ],
)
def test_a_tape_made_under_looser_rules_breaks_stricter_ones(change: dict[str, Any], check: str) -> None:
    assert check in checks_of(audited(good_tape(), [replace(book, **change) for book in BOOKS]))


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (RiskLimits(max_position_lots=3), "max_position_lots"),
        (RiskLimits(max_order_lots=2), "max_order_lots"),
        (RiskLimits(max_open_orders=1), "max_open_orders"),
        (RiskLimits(max_notional=2 * MID_TICKS), "max_notional"),
        (RiskLimits(max_messages_per_s=1), "max_messages_per_s"),
    ],
)
def test_agents_that_had_no_limits_break_any(limits: RiskLimits, what: str) -> None:
    found = audited(good_tape(), agents=[replace(group, limits=limits) for group in groups()])
    assert any(what in finding.what for finding in found)


def test_an_order_after_the_kill_switch_is_found() -> None:
    early = [replace(group, killed_ns=OPEN_NS + SECOND_NS) for group in groups()]
    assert any("kill switch" in finding.what for finding in audited(good_tape(), agents=early))
