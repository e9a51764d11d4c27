"""Every kind of order under every rule: the engine writes the twin's rows, byte by byte, and its books stay sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lob import OrderBook
from lob.invariants import check_invariants
from lob.reference import ReferenceBook
from lob.types import EventKind, Reject
from tests.lob.compare import minimise, same
from tests.lob.extended_streams import KINDS, RULES, ExtendedStream, instrument_of


def compare(rules: str, kinds: list[str], seed: int, n_messages: int) -> set[tuple[int, int]]:
    """Run a stream through both; return the kinds of rows, with their reasons, that were written."""
    rng = np.random.default_rng(seed)
    instrument = instrument_of(rules, rng)
    book, twin = OrderBook(instrument), ReferenceBook(instrument)
    stream = ExtendedStream(twin, kinds, rng)
    sent, seen = [], set()
    for _ in range(n_messages):
        message = stream.next()
        sent.append(message)
        expected = twin.apply(message)
        if not same(book.apply(message), expected):
            raise minimise(instrument, np.concatenate(sent))
        check_invariants(book)
        seen |= set(zip(expected["kind"].tolist(), expected["reason"].tolist(), strict=True))
    return seen


@given(
    rules=st.sampled_from(list(RULES)),
    kinds=st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=5),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=150, deadline=None)
def test_engine_and_twin_agree_on_any_mixture(rules: str, kinds: list[str], seed: int) -> None:
    compare(rules, ["plain", *kinds], seed, 60)


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "plain"])
def test_engine_and_twin_agree_on_each_kind(kind: str) -> None:
    compare("fifo", ["plain", kind], 11, 600)


def test_engine_and_twin_agree_under_each_rule_and_meet_every_kind_and_reason() -> None:
    seen: set[tuple[int, int]] = set()
    for rules in RULES:
        seen |= compare(rules, list(KINDS), 12, 1_200)
    assert {kind for kind, _ in seen} == set(EventKind) - {EventKind.NEWS}
    refused = {reason for kind, reason in seen if kind == EventKind.REJECT}
    elsewhere = {Reject.UNKNOWN_SYMBOL, Reject.SELF_TRADE, Reject.EXPIRED}  # no rejects of a book
    elsewhere |= {Reject.BAD_KIND, Reject.NOT_OWNER, Reject.BOOK_FULL}  # plain streams meet these
    assert refused >= {r for r in Reject if 0 < r < 32} - elsewhere
    assert {reason for kind, reason in seen if kind == EventKind.CANCEL} == {0, Reject.SELF_TRADE, Reject.EXPIRED}


def test_one_batch_is_as_good_as_message_by_message() -> None:
    rng = np.random.default_rng(3)
    instrument = instrument_of("oldest", rng)
    book, twin = OrderBook(instrument), ReferenceBook(instrument)
    stream = ExtendedStream(ReferenceBook(instrument), list(KINDS), rng)
    messages = []
    for _ in range(3_000):
        messages.append(stream.next())
        stream.twin.apply(messages[-1])
    batch = np.concatenate(messages)
    assert same(book.apply(batch), twin.apply(batch))
