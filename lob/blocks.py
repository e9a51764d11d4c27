"""Blocks of memory: a header record followed by tables, each found by a byte offset that stands in the header.

`element_of` makes the accessor for such a table. Compared with nested arrays inside a record this costs one extra
load per access (the header is always in L1), and buys three things: one compiled kernel serves every capacity, a block
can be copied or written to disk as it is (offsets are relative, no pointer is stored), and no reference is counted in
hot code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from lob.compiled import Record

__all__ = [
    "address_of",
    "allocate",
    "element_of",
    "header_of",
    "prefetch_for_write",
    "prefetch_line",
    "record_address",
    "record_at_address",
    "same_block",
]

_BYTE = ir.IntType(8)
_INT64 = ir.IntType(64)


def element_of(header: np.dtype[Any], offset_field: str, item: np.dtype[Any]) -> Callable[[Record, int], Record]:
    """Return a compiled accessor `f(block, index) -> record` for one table of a block.

    Args:
        header: dtype of the block's header.
        offset_field: the int64 field of the header that holds the table's offset in bytes from the header.
        item: dtype of one row of the table.

    The index is not checked: callers in compiled code are responsible for the range.
    """
    record = from_dtype(item)
    assert header.fields is not None
    field_offset = int(header.fields[offset_field][1])
    item_bytes = item.itemsize

    @intrinsic
    def element(typingctx: Any, block: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            base = builder.bitcast(args[0], _BYTE.as_pointer())
            slot = builder.gep(base, [ir.Constant(_INT64, field_offset)])
            offset = builder.load(builder.bitcast(slot, _INT64.as_pointer()))
            # No compiled code writes offsets: the optimiser may load each once, whatever is stored in between.
            offset.set_metadata("invariant.load", builder.module.add_metadata([]))
            position = builder.add(offset, builder.mul(args[1], ir.Constant(_INT64, item_bytes)))
            return builder.bitcast(builder.gep(base, [position]), context.get_value_type(record))

        return record(block, types.int64), codegen

    return element


def same_block(target: np.dtype[Any]) -> Callable[[Record, int], Record]:
    """Return a compiled accessor `f(block, offset_bytes) -> record` for a nested block, such as a book in a world."""
    record = from_dtype(target)

    @intrinsic
    def nested(typingctx: Any, block: Any, offset: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            base = builder.bitcast(args[0], _BYTE.as_pointer())
            return builder.bitcast(builder.gep(base, [args[1]]), context.get_value_type(record))

        return record(block, types.int64), codegen

    return nested


def record_at_address(target: np.dtype[Any]) -> Callable[[int, int], Record]:
    """Return a compiled accessor `f(address, index) -> record` for a table that lives outside of any block."""
    record = from_dtype(target)
    item_bytes = target.itemsize

    @intrinsic
    def at_address(typingctx: Any, address: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            position = builder.add(args[0], builder.mul(args[1], ir.Constant(_INT64, item_bytes)))
            return builder.inttoptr(position, context.get_value_type(record))

        return record(types.int64, types.int64), codegen

    return at_address


@intrinsic
def address_of(typingctx: Any, record: Any) -> Any:
    """Address of a record, as int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], _INT64)

    return types.int64(record), codegen


def _prefetching(for_writing: bool) -> Any:
    @intrinsic
    def prefetch(typingctx: Any, record: Any, line: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            int32 = ir.IntType(32)
            signature_type = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), int32, int32, int32])
            function = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE.as_pointer()], signature_type)
            start = builder.bitcast(args[0], _BYTE.as_pointer())
            pointer = builder.gep(start, [builder.mul(args[1], ir.Constant(_INT64, 64))])
            constants = [ir.Constant(int32, value) for value in (int(for_writing), 3, 1)]
            builder.call(function, [pointer, *constants])
            return context.get_dummy_value()

        return types.void(record, types.int64), codegen

    return prefetch


prefetch_line = _prefetching(for_writing=False)
"""`prefetch_line(record, line)` asks the processor to load cache line number `line` of a record."""
prefetch_for_write = _prefetching(for_writing=True)
"""The same for a line that is about to be written."""


_ALIGNMENT = 64


def allocate(n_bytes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return `n_bytes` zero bytes that start on a cache line; untouched pages cost no memory."""
    raw = np.zeros(n_bytes + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + n_bytes]


def header_of(block: np.ndarray[Any, np.dtype[np.uint8]], header: np.dtype[Any]) -> Any:
    """Return the header of a block as a record that reads and writes the block itself."""
    return block[: header.itemsize].view(header)[0]


def record_address(array: np.ndarray[Any, Any]) -> int:
    """Return the address of an array's data; the caller keeps the array alive."""
    return int(array.ctypes.data)
