"""The heap of timed entries gives them back in the order of (time, agent key, number), as a sorted list would."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lob.blocks import allocate
from sim.heap import NEVER, heap_bytes, init_heap, pop, push, remove, top_ns, top_slot

CAPACITY = 300
LAST_NS = 2**47 - 1
KEY_BITS = 49


def new_heap() -> tuple[Any, Any]:
    """A block (to be kept alive) and its empty heap."""
    block = allocate(heap_bytes(CAPACITY))
    return block, init_heap(block, CAPACITY)


times = st.one_of(st.integers(0, 5), st.integers(0, LAST_NS))
keys = st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1))
pushes = st.tuples(times, keys, st.integers(0, 1))
operations = st.lists(st.one_of(pushes, st.none()), max_size=CAPACITY)
"""A tuple is pushed; None pops."""


@given(operations)
def test_entries_come_back_as_from_a_heap_of_tuples(steps: list[tuple[int, int, int] | None]) -> None:
    block, heap = new_heap()
    twin: list[tuple[int, int, int, int]] = []
    for slot, step in enumerate(steps):
        if step is not None:
            time_ns, key, number = step
            push(heap, time_ns, np.uint64(key), number, slot)
            heapq.heappush(twin, (time_ns, key >> (64 - KEY_BITS), number, slot))
        elif twin:
            assert top_ns(heap) == twin[0][0]
            assert top_slot(heap) == twin[0][3]
            assert pop(heap) == heapq.heappop(twin)[3]
        assert int(heap["size"]) == len(twin)
    while twin:
        assert pop(heap) == heapq.heappop(twin)[3]
    assert top_ns(heap) == NEVER
    assert len(block)


@given(st.lists(pushes, min_size=2, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_pushes_does_not_matter(entries: list[tuple[int, int, int]], random: Any) -> None:
    slots = list(enumerate(entries))
    orders = []
    for _ in range(2):
        _block, heap = new_heap()
        for slot, (time_ns, key, number) in slots:
            push(heap, time_ns, np.uint64(key), number, slot)
        orders.append([int(pop(heap)) for _ in slots])
        random.shuffle(slots)
    assert orders[0] == orders[1]


def test_at_one_instant_an_agents_timer_comes_before_its_trigger() -> None:
    _block, heap = new_heap()
    push(heap, 7, np.uint64(123), 1, 0)
    push(heap, 7, np.uint64(123), 0, 1)
    assert [pop(heap), pop(heap)] == [1, 0]


def test_a_time_beyond_the_range_of_an_entry_waits_at_its_end_and_never_comes_early() -> None:
    """47 bits hold 39 hours. A timer of three days must not wrap around into the present."""
    _block, heap = new_heap()
    push(heap, 3 * 86_400 * 10**9, np.uint64(1), 0, 0)
    push(heap, 86_399 * 10**9, np.uint64(2), 0, 1)
    assert pop(heap) == 1
    assert top_ns(heap) == LAST_NS


@given(st.lists(pushes, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_an_entry_removed_from_the_middle_leaves_the_others_in_order(
    entries: list[tuple[int, int, int]], random: Any
) -> None:
    block, heap = new_heap()
    left = []
    for slot, (time_ns, key, number) in enumerate(entries):
        push(heap, time_ns, np.uint64(key), number, slot)
        left.append((time_ns, key >> (64 - KEY_BITS), number, slot))
    for _ in range(random.randint(0, len(entries))):
        gone = left.pop(random.randrange(len(left)))
        remove(heap, gone[2], gone[3])
        remove(heap, gone[2], gone[3])  # a second time there is nothing to remove
    found = [pop(heap) for _ in range(len(left))]
    assert found == [entry[3] for entry in sorted(left)]
    assert top_ns(heap) == NEVER
    assert len(block)
