"""The compiled sums are those of their obvious twins, bit by bit: in the same order, rounded at the same places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.flow import products

Floats = np.ndarray


def add_product_slowly(w: Floats, at: int, x: Floats, n_in: int, y: Floats, n_out: int) -> None:
    """Four rows of W at a time, each cell by itself."""
    rows = w[at : at + n_in * n_out].reshape(n_in, n_out)
    whole = n_in // 4 * 4
    for j in range(n_out):
        for i in range(0, whole, 4):
            a, b, c, d = (x[i + k] * rows[i + k, j] for k in range(4))
            y[j] = np.float32(y[j] + ((a + b) + (c + d)))
        for i in range(whole, n_in):
            y[j] = np.float32(y[j] + x[i] * rows[i, j])


def drawn(seed: int, *shape: int, kind: type = np.float32) -> Floats:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(kind)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 21), st.integers(1, 19), st.integers(0, 5), st.sampled_from([np.float32, np.float64]))
def test_a_product_adds_four_rows_at_a_time(n_in: int, n_out: int, at: int, kind: type) -> None:
    w, x, y = drawn(1, at + n_in * n_out), drawn(2, n_in, kind=kind), drawn(3, n_out)
    expected = y.copy()
    add_product_slowly(w, at, x, n_in, expected, n_out)
    products.add_product(w, at, x, n_in, y, n_out)
    assert y.tobytes() == expected.tobytes()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10), st.integers(1, 5), st.integers(1, 19))
def test_products_of_many_rows_are_those_of_one(rows: int, quarter: int, n_out: int) -> None:
    n_in = 4 * quarter
    w, x, y = drawn(1, n_in * n_out), drawn(2, rows, n_in), drawn(3, rows, n_out)
    expected = y.copy()
    for k in range(rows):
        add_product_slowly(w, 0, x[k], n_in, expected[k], n_out)
    products.add_products(w, 0, x.ravel(), n_in, rows, n_in, y.reshape(-1), n_out, n_out)
    assert y.tobytes() == expected.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 3), st.booleans())
def test_a_mixture_adds_one_row_after_the_other(n_scores: int, size: int, first: int, some_are_zero: bool) -> None:
    scores, rows, y = np.abs(drawn(1, n_scores)), drawn(2, n_scores, size + 3), drawn(3, first + size)
    if some_are_zero:
        scores[: n_scores // 2] = 0
    expected = y.copy()
    for k in range(n_scores):
        for i in range(size):
            expected[first + i] = np.float32(expected[first + i] + scores[k] * rows[k, 2 + i])
    products.mix(scores, n_scores, rows.ravel(), 2, size + 3, y, first, size)
    assert y.tobytes() == expected.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(1, 10), st.integers(0, 3))
def test_scores_add_one_dimension_after_the_other(length: int, size: int, first: int) -> None:
    keys, query, scores = drawn(1, first + size, length), drawn(2, first + size), drawn(3, length)
    scale, expected = np.float32(0.3), np.zeros(length, np.float32)
    for i in range(first, first + size):
        for j in range(length):
            expected[j] = np.float32(expected[j] + np.float32(query[i] * scale) * keys[i, j])
    products.scores_of(keys.ravel(), length, query, first, size, scale, scores)
    assert scores.tobytes() == expected.tobytes()


@pytest.mark.parametrize("n", [1, 3, 4, 9, 128])
def test_softmax_leaves_the_shares_of_the_largest_and_their_sum(n: int) -> None:
    scores = drawn(n, n) * 5
    expected = np.exp(scores.astype(np.float64) - scores.max())
    total = products.softmax(scores, n)
    assert scores == pytest.approx(expected, rel=1e-3, abs=1e-6) and total == pytest.approx(expected.sum(), rel=1e-3)
