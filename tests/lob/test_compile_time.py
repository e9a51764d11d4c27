"""Compiling is measured by itself, and told when it is the engine."""

from __future__ import annotations

import numba

from lob.compile_time import compile_s, told_of_compiling


def compiled_now(name: str) -> float:
    """Compile a function of this name; return how much longer this process has compiled then."""

    def plain(x: int) -> int:
        return x + 1

    plain.__name__ = name
    before = compile_s()
    assert numba.njit(plain)(3) == 4
    return compile_s() - before


def test_the_clock_counts_what_is_compiled_and_nothing_else() -> None:
    spent = compiled_now("anything")
    assert 0.001 < spent < 30
    before = compile_s()
    assert sum(range(100_000)) > 0
    assert compile_s() == before


def test_a_word_is_said_once_and_for_the_engine_only() -> None:
    told: list[int] = []
    with told_of_compiling(lambda: told.append(1)):
        compiled_now("a_policy")
        assert not told
        compiled_now("run_kernel")
        compiled_now("run_kernel")
    compiled_now("run_kernel")
    assert told == [1]
