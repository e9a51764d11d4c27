"""A four-way heap of timed entries, ordered by (time, agent key, number): never by memory or hash order."""

from __future__ import annotations

from numba import int64

from lob._jit import Record, leaf
from sim.records import entry_at

__all__ = ["pop", "push", "top_ns"]

NEVER = 2**62


@leaf
def before(a: Record, b: Record) -> bool:
    """Whether entry a comes before entry b."""
    if a.time_ns != b.time_ns:
        return a.time_ns < b.time_ns
    if a.key != b.key:
        return a.key < b.key
    return a.number < b.number


@leaf
def copy(target: Record, source: Record) -> None:
    """Copy an entry."""
    target.time_ns = source.time_ns
    target.key = source.key
    target.number = source.number
    target.slot = source.slot


@leaf
def top_ns(heap: Record) -> int:
    """Time of the earliest entry; NEVER when the heap is empty."""
    if heap.size == 0:
        return int64(NEVER)
    return int64(entry_at(heap, int64(0)).time_ns)


@leaf
def push(heap: Record, time_ns: int, key: int, number: int, slot: int) -> None:
    """Add an entry; the caller has checked the capacity. The row behind the last entry is scratch."""
    hole = int64(heap.size)
    heap.size = hole + 1
    fresh = entry_at(heap, int64(heap.capacity))
    fresh.time_ns = time_ns
    fresh.key = key
    fresh.number = number
    fresh.slot = slot
    while hole > 0:
        parent = (hole - 1) >> 2
        above = entry_at(heap, parent)
        if not before(fresh, above):
            break
        copy(entry_at(heap, hole), above)
        hole = parent
    copy(entry_at(heap, hole), fresh)


@leaf
def pop(heap: Record) -> int:
    """Remove the earliest entry and return its slot; the heap must not be empty."""
    slot = int64(entry_at(heap, int64(0)).slot)
    size = int64(heap.size) - 1
    heap.size = size
    last = entry_at(heap, size)
    hole = int64(0)
    while True:
        child = 4 * hole + 1
        if child >= size:
            break
        best = child
        for other in range(child + 1, min(child + 4, size)):
            if before(entry_at(heap, int64(other)), entry_at(heap, best)):
                best = int64(other)
        if not before(entry_at(heap, best), last):
            break
        copy(entry_at(heap, hole), entry_at(heap, best))
        hole = best
    copy(entry_at(heap, hole), last)
    return slot
