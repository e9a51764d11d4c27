"""The one owner of Numba options, the kernel cache and the low-level intrinsics.

Compiled state is kept in flat blocks of bytes: a header record followed by tables, each found by a byte offset
that stands in the header. `element_of` makes the accessor for such a table. Compared with nested arrays inside a
record this costs one extra load per access (the header is always in L1), and buys three things: one compiled
kernel serves every capacity, a block can be copied or written to disk as it is (offsets are relative, no pointer
is stored), and no reference is counted in hot code.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

__all__ = [
    "Record",
    "address_of",
    "allocate",
    "call_address",
    "element_of",
    "function_address",
    "header_of",
    "high_bit",
    "kernel",
    "leaf",
    "low_bit",
    "prefetch_line",
    "record_address",
    "record_at_address",
    "same_block",
]

Record = Any
"""A NumPy record inside compiled code: passed by pointer, fields read and written by name."""

F = TypeVar("F", bound=Callable[..., Any])

_COMPILED_INTO = {"lob": ("lob",), "sim": ("lob", "sim"), "agents": ("lob", "sim", "agents")}
"""Packages whose sources can end up in the kernels of a package."""


def source_key(package: str) -> str:
    """Return a hash of all sources that the kernels of a package can hold, and of the toolchain.

    Numba's own cache notices edits of the file that holds a function, not of helpers in other files, so the whole
    cache folder is keyed by everything that can be compiled into a kernel.
    """
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for name in _COMPILED_INTO[package]:
        for path in sorted((root / name).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    digest.update(f"{numba.__version__} {np.__version__}".encode())
    return digest.hexdigest()[:16]


@cache
def cache_folder(package: str = "sim") -> Path:
    """Return the folder of a package's compiled kernels, below $OUTCRY_CACHE_DIR or else the user's cache folder."""
    base: str | Path | None = os.environ.get("OUTCRY_CACHE_DIR")
    if base is None:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "outcry"
    return Path(base) / source_key(package)


@cache
def _prepare_cache(package: str) -> bool:
    """Make the folder of a package; return whether kernels can be kept there."""
    folder = cache_folder(package)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _tell_of_cache(folder.parent, (error.strerror or str(error)).lower())
        return False
    if not os.access(folder, os.W_OK):
        _tell_of_cache(folder.parent, "permission denied")
        return False
    return True


@cache
def _tell_of_cache(folder: Path, reason: str) -> None:
    """Say once that the work goes on, only slower."""
    logging.getLogger("outcry").warning(
        "outcry: compiled kernels cannot be kept in %s (%s) and are compiled again in each process; "
        "$OUTCRY_CACHE_DIR may name another folder", folder, reason
    )  # fmt: skip


class _CheckedFile(IndexDataCacheFile):
    """Numba's cache of one function, with a checksum behind the pickled data, which `pickle.loads` does not look at.

    Numba itself trusts what it finds: a damaged file would be unpickled, or run. Here it counts as not there, so that
    the function is compiled and its file written again.
    """

    def _dump(self, obj: Any) -> bytes:
        data: bytes = super()._dump(obj)
        return data + _checksum(data)

    def _save_index(self, overloads: Any) -> None:
        with self._open_for_write(self._index_path) as file:
            file.write(self._dump((self._version, self._source_stamp, overloads)))

    def _load_index(self) -> Any:
        try:
            data = Path(self._index_path).read_bytes()
        except OSError:
            return {}
        if not _is_whole(data):
            return {}
        version, stamp, overloads = pickle.loads(data)
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _load_data(self, name: str) -> Any:
        if not _is_whole(Path(self._data_path(name)).read_bytes()):
            raise OSError("damaged")  # as if it could not be read: Numba then compiles
        return super()._load_data(name)

    def save(self, key: Any, data: Any) -> None:
        """Keep a compiled function, or say why not."""
        try:
            super().save(key, data)
        except OSError as error:
            _tell_of_cache(Path(self._cache_path).parents[1], (error.strerror or str(error)).lower())


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


def _is_whole(data: bytes) -> bool:
    return len(data) > 4 and data[-4:] == _checksum(data[:-4])


class _KernelCache(FunctionCache):
    """Numba's cache of a function, in checked files."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = _CheckedFile(self._cache_path, self._impl.filename_base, locator.get_source_stamp())


# error_model="numpy": no branch for a zero divisor. nogil: runs in threads. No fastmath anywhere: a tape must not
# depend on the compiler's freedom to reorder floating-point operations.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}


def _compile(function: F, **options: Any) -> F:
    package = function.__module__.split(".")[0]
    compiled = numba.njit(**_OPTIONS, **options)(function)
    if package in _COMPILED_INTO and _prepare_cache(package):
        # Numba looks at this when the cache is made, not when the function is compiled.
        numba.config.CACHE_DIR = str(cache_folder(package))
        compiled._cache = _KernelCache(function)
    return compiled


def kernel(function: F) -> F:
    """Compile `function` with the project's options, cached on disk if it belongs to one of our packages.

    A user's own file may import helpers that no key covers, so it is compiled afresh in each process (about half a
    second).
    """
    return _compile(function)


def leaf(function: F) -> F:
    """Compile a small helper that the optimiser must inline into its callers."""
    return _compile(function, forceinline=True)


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


def call_address(result: Any, *arguments: Any) -> Callable[..., Any]:
    """Return a compiled caller `f(address, *args)` of a function compiled with exactly these argument types.

    The address comes from `function_address`. Measured: about 3 ns a call, without the recompilation that a tuple of
    first-class functions needs whenever its length changes.
    """

    @intrinsic
    def call(typingctx: Any, address: Any, args: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            convention = context.call_conv
            pointer = builder.inttoptr(values[0], convention.get_function_type(result, arguments).as_pointer())
            unpacked = [builder.extract_value(values[1], i) for i in range(len(arguments))]
            _status, value = convention.call_function(builder, pointer, result, arguments, unpacked)
            return value

        return result(types.int64, types.Tuple(arguments)), codegen

    return call


def function_address(function: Any, *arguments: Any) -> int:
    """Compile `function` for these Numba argument types and return the address that `call_address` takes."""
    function.compile(arguments)
    compiled = function.overloads[arguments]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


@intrinsic
def address_of(typingctx: Any, record: Any) -> Any:
    """Address of a record, as int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], _INT64)

    return types.int64(record), codegen


@intrinsic
def prefetch_line(typingctx: Any, record: Any, line: Any) -> Any:
    """Ask the processor to load cache line number `line` of a record."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        int32 = ir.IntType(32)
        signature_type = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), int32, int32, int32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE.as_pointer()], signature_type)
        start = builder.bitcast(args[0], _BYTE.as_pointer())
        pointer = builder.gep(start, [builder.mul(args[1], ir.Constant(_INT64, 64))])
        builder.call(function, [pointer, ir.Constant(int32, 0), ir.Constant(int32, 3), ir.Constant(int32, 1)])
        return context.get_dummy_value()

    return types.void(record, types.int64), codegen


@intrinsic
def low_bit(typingctx: Any, word: Any) -> Any:
    """Index of the lowest set bit of a non-zero uint64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


@intrinsic
def high_bit(typingctx: Any, word: Any) -> Any:
    """Index of the highest set bit of a non-zero uint64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        leading = builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))
        return builder.sub(ir.Constant(_INT64, 63), leading)

    return types.int64(types.uint64), codegen


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
