"""The one owner of Numba's options: how a function is compiled, and how one is called by its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import types
from numba.extending import intrinsic

from lob.kernel_cache import COMPILED_INTO, KernelCache, cache_folder, prepare_cache

__all__ = ["Record", "call_address", "function_address", "kernel", "leaf"]

Record = Any
"""A NumPy record inside compiled code: passed by pointer, fields read and written by name."""

F = TypeVar("F", bound=Callable[..., Any])

# error_model="numpy": no branch for a zero divisor. nogil: runs in threads. No fastmath anywhere: a tape must not
# depend on the compiler's freedom to reorder floating-point operations.
# no_cfunc_wrapper: nobody takes the address of the wrapper that Numba makes for C, which is a tenth of the compiling.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}


def _compile(function: F, **options: Any) -> F:
    package = function.__module__.split(".")[0]
    compiled = numba.njit(**_OPTIONS, **options)(function)
    if package in COMPILED_INTO and prepare_cache(package):
        # Numba looks at this when the cache is made, not when the function is compiled.
        numba.config.CACHE_DIR = str(cache_folder(package))
        compiled._cache = KernelCache(function)
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
