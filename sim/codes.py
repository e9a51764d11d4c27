"""Reasons to wake, needs, statuses and kinds as plain integers, which compiled code reads."""

from __future__ import annotations

from sim.records import ConditionKind, LatencyKind, Needs, ScheduledKind, Stage, Status, Wake

__all__ = [
    "CONDITION_FALL",
    "CONDITION_MOVE",
    "CONDITION_RISE",
    "CONDITION_SPREAD",
    "LATENCY_CONSTANT",
    "LATENCY_LOGNORMAL",
    "LATENCY_UNIFORM",
    "NEEDS_BOOK",
    "NEEDS_DEPTH",
    "NEEDS_HISTORY",
    "NEEDS_OWN",
    "NEEDS_QUEUE",
    "NEEDS_SIGNAL",
    "NEEDS_TRADES",
    "SCHEDULED_KILL",
    "SCHEDULED_NEWS",
    "SCHEDULED_PHASE",
    "STAGE_ARMED",
    "STAGE_FIRED",
    "STAGE_LASTING",
    "STAGE_SPENT",
    "STATUS_ACCOUNT_FULL",
    "STATUS_BOOK_FULL",
    "STATUS_DONE",
    "STATUS_EVENT_LIMIT",
    "STATUS_IN_FLIGHT_FULL",
    "STATUS_OUT_FULL",
    "STATUS_PYTHON_WAKE",
    "STATUS_TAPE_FULL",
    "WAKE_ACK",
    "WAKE_FILL",
    "WAKE_NEWS",
    "WAKE_PHASE",
    "WAKE_REJECT",
    "WAKE_START",
    "WAKE_TIMER",
    "WAKE_TOUCH",
    "WAKE_TRADE",
]

WAKE_START = int(Wake.START)
WAKE_TIMER = int(Wake.TIMER)
WAKE_FILL = int(Wake.FILL)
WAKE_ACK = int(Wake.ACK)
WAKE_REJECT = int(Wake.REJECT)
WAKE_TOUCH = int(Wake.TOUCH)
WAKE_TRADE = int(Wake.TRADE)
WAKE_PHASE = int(Wake.PHASE)
WAKE_NEWS = int(Wake.NEWS)

NEEDS_DEPTH = int(Needs.DEPTH)
NEEDS_TRADES = int(Needs.TRADES)
NEEDS_SIGNAL = int(Needs.SIGNAL)
NEEDS_OWN = int(Needs.OWN)
NEEDS_QUEUE = int(Needs.QUEUE)
NEEDS_BOOK = int(Needs.BOOK)
NEEDS_HISTORY = int(Needs.HISTORY)

STATUS_DONE = int(Status.DONE)
STATUS_TAPE_FULL = int(Status.TAPE_FULL)
STATUS_PYTHON_WAKE = int(Status.PYTHON_WAKE)
STATUS_IN_FLIGHT_FULL = int(Status.IN_FLIGHT_FULL)
STATUS_BOOK_FULL = int(Status.BOOK_FULL)
STATUS_OUT_FULL = int(Status.OUT_FULL)
STATUS_EVENT_LIMIT = int(Status.EVENT_LIMIT)
STATUS_ACCOUNT_FULL = int(Status.ACCOUNT_FULL)

LATENCY_CONSTANT = int(LatencyKind.CONSTANT)
LATENCY_UNIFORM = int(LatencyKind.UNIFORM)
LATENCY_LOGNORMAL = int(LatencyKind.LOGNORMAL)

CONDITION_FALL = int(ConditionKind.FALL)
CONDITION_RISE = int(ConditionKind.RISE)
CONDITION_MOVE = int(ConditionKind.MOVE)
CONDITION_SPREAD = int(ConditionKind.SPREAD)

STAGE_ARMED = int(Stage.ARMED)
STAGE_FIRED = int(Stage.FIRED)
STAGE_LASTING = int(Stage.LASTING)
STAGE_SPENT = int(Stage.SPENT)

SCHEDULED_PHASE = int(ScheduledKind.PHASE)
SCHEDULED_NEWS = int(ScheduledKind.NEWS)
SCHEDULED_KILL = int(ScheduledKind.KILL)
