"""Sums of products, softmax and the like as compiled code, float32, bit by bit the same on every machine.

Sums run in a fixed order and only + - x / and square roots are used (exp is a polynomial), so that a result does not
depend on the machine's vector width. Matrices lie input by output: a product adds up scaled rows, which vectorises
without changing the order of any sum. Indices of inner loops are unsigned: signed ones are asked whether they count
from the end, which keeps a loop from being vectorised.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.policy import decision

__all__ = [
    "add_product", "add_products", "add_row", "exp_fast", "mix", "norm_into", "perceptron", "perceptrons", "product",
    "scores_of", "sigmoid", "softmax", "tanh",
]  # fmt: skip

POWERS = np.array([2.0**-k for k in range(128)])


@decision
def exp_fast(x: float) -> float:
    """Exp of a number that is not above 0, to about 1e-9 of it; 0 below -87."""
    if x < -87.0:
        return 0.0
    t = x * 1.4426950408889634
    n = int(math.floor(t + 0.5))
    f = (t - n) * 0.6931471805599453
    p = 1 / 24 + f * (1 / 120 + f * (1 / 720 + f * (1 / 5040 + f / 40320)))
    p = 1.0 + f * (1.0 + f * (0.5 + f * (1 / 6 + f * p)))
    return p * POWERS[-n]


@decision
def largest(scores: Any, n: int) -> Any:
    """Return the largest of n scores; four at a time, as the processor has no order to keep."""
    a, b, c, d = scores[0], scores[0], scores[0], scores[0]
    whole = n // 4 * 4
    for j in range(0, whole, 4):
        a = scores[j] if scores[j] > a else a
        b = scores[j + 1] if scores[j + 1] > b else b
        c = scores[j + 2] if scores[j + 2] > c else c
        d = scores[j + 3] if scores[j + 3] > d else d
    for j in range(whole, n):
        a = scores[j] if scores[j] > a else a
    return max(max(a, b), max(c, d))


@decision
def softmax(scores: Any, n: int) -> float:
    """Replace n scores by exp(score - largest); return their sum.

    Vectorised: exp(x) is the 64th power of a polynomial in x / 64, to a few 1e-6 of it near 0 and a few 1e-3 at -40,
    below which it stays as it is there: weights that do not count. The sum runs in four lanes, in a fixed order.
    """
    top = largest(scores, n)
    lowest, step, one = np.float32(-40.0), np.float32(1.0 / 64.0), np.float32(1.0)
    c2, c3, c4, c5 = np.float32(1 / 2), np.float32(1 / 6), np.float32(1 / 24), np.float32(1 / 120)
    for j in range(n):
        x = scores[j] - top
        x = x if x > lowest else lowest
        x *= step
        p = one + x * (one + x * (c2 + x * (c3 + x * (c4 + x * c5))))
        p *= p
        p *= p
        p *= p
        p *= p
        p *= p
        p *= p
        scores[j] = p
    a, b, c, d = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    whole = n // 4 * 4
    for j in range(0, whole, 4):
        a += scores[j]
        b += scores[j + 1]
        c += scores[j + 2]
        d += scores[j + 3]
    for j in range(whole, n):
        a += scores[j]
    return float((a + b) + (c + d))


@decision
def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))."""
    if x >= 0:
        return 1.0 / (1.0 + exp_fast(-x))
    e = exp_fast(x)
    return e / (1.0 + e)


@decision
def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    return 2.0 * sigmoid(2.0 * x) - 1.0


@decision
def add_product(w: Any, at: int, x: Any, n_in: int, y: Any, n_out: int) -> None:
    """Add x W to y, four rows of W at a time; W begins at `at` and is n_in by n_out.

    x may be float64, as features of the book are; y is float32 after each four rows.
    """
    m = np.uint64(n_out)
    whole, pairs = n_in // 4 * 4, n_in // 8 * 8
    for i in range(0, pairs, 8):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        e, f, g, h = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
        r0 = np.uint64(at + i * n_out)
        r1, r2, r3, r4 = r0 + m, r0 + m + m, r0 + m + m + m, r0 + m + m + m + m
        r5, r6, r7 = r4 + m, r4 + m + m, r4 + m + m + m
        for j in range(m):
            p = np.float32(y[j] + ((a * w[r0 + j] + b * w[r1 + j]) + (c * w[r2 + j] + d * w[r3 + j])))
            y[j] = p + ((e * w[r4 + j] + f * w[r5 + j]) + (g * w[r6 + j] + h * w[r7 + j]))
    for i in range(pairs, whole, 4):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        r0 = np.uint64(at + i * n_out)
        r1, r2, r3 = r0 + m, r0 + m + m, r0 + m + m + m
        for j in range(m):
            y[j] += (a * w[r0 + j] + b * w[r1 + j]) + (c * w[r2 + j] + d * w[r3 + j])
    for i in range(whole, n_in):
        a, r0 = x[i], np.uint64(at + i * n_out)
        for j in range(m):
            y[j] += a * w[r0 + j]


@decision
def mix(scores: Any, n_scores: int, rows: Any, at: int, stride: int, y: Any, first: int, size: int) -> None:
    """Add scores times rows to y, one row after the other: `size` cells of y from `first` on.

    Row k begins at `at` + k `stride`. Eight rows that all count nothing are left out.
    """
    begin, step = np.uint64(first), np.uint64(stride)
    whole = n_scores // 8 * 8
    for k in range(0, whole, 8):
        a, b, c, d = scores[k], scores[k + 1], scores[k + 2], scores[k + 3]
        e, f, g, h = scores[k + 4], scores[k + 5], scores[k + 6], scores[k + 7]
        if ((a + b) + (c + d)) + ((e + f) + (g + h)) == 0:
            continue
        r0 = np.uint64(at + k * stride)
        r1, r2, r3, r4 = r0 + step, r0 + step + step, r0 + step + step + step, r0 + step + step + step + step
        r5, r6, r7 = r4 + step, r4 + step + step, r4 + step + step + step
        for i in range(np.uint64(size)):
            p = y[begin + i] + a * rows[r0 + i]
            p += b * rows[r1 + i]
            p += c * rows[r2 + i]
            p += d * rows[r3 + i]
            p += e * rows[r4 + i]
            p += f * rows[r5 + i]
            p += g * rows[r6 + i]
            y[begin + i] = p + h * rows[r7 + i]
    for k in range(whole, n_scores):
        a, r0 = scores[k], np.uint64(at + k * stride)
        for i in range(np.uint64(size)):
            y[begin + i] += a * rows[r0 + i]


@decision
def scores_of(keys: Any, length: int, query: Any, first: int, size: int, scale: Any, scores: Any) -> None:
    """Fill `length` scores: what a head's part of a query and of each key have in common.

    Args:
        keys: shape (width, length): the keys beside each other.
        length: number of keys.
        query: shape (width,).
        first: where the head begins in it.
        size: of the head.
        scale: of the query.
        scores: to be filled.
    """
    m = np.uint64(length)
    for j in range(m):
        scores[j] = np.float32(0.0)
    whole = size // 4 * 4
    for i in range(first, first + whole, 4):
        a, b, c, d = query[i] * scale, query[i + 1] * scale, query[i + 2] * scale, query[i + 3] * scale
        r0 = np.uint64(i * length)
        r1, r2, r3 = r0 + m, r0 + m + m, r0 + m + m + m
        for j in range(m):
            p = scores[j] + a * keys[r0 + j]
            p += b * keys[r1 + j]
            p += c * keys[r2 + j]
            scores[j] = p + d * keys[r3 + j]
    for i in range(first + whole, first + size):
        a, r0 = query[i] * scale, np.uint64(i * length)
        for j in range(m):
            scores[j] += a * keys[r0 + j]


@decision
def add_products(
    w: Any, at: int, x: Any, x_stride: int, rows: int, n_in: int, y: Any, y_stride: int, n_out: int
) -> None:  # fmt: skip
    """Do `add_product` for rows of x and y: three at a time, so that W is read a third as often.

    Row k begins at k times the stride; n_in must be a multiple of four. Every sum is in the order of `add_product`.
    """
    m = np.uint64(n_out)
    three = rows // 3 * 3
    for k in range(0, three, 3):
        x0, x1, x2 = k * x_stride, (k + 1) * x_stride, (k + 2) * x_stride
        y0, y1, y2 = np.uint64(k * y_stride), np.uint64((k + 1) * y_stride), np.uint64((k + 2) * y_stride)
        for i in range(0, n_in, 4):
            a0, b0, c0, d0 = x[x0 + i], x[x0 + i + 1], x[x0 + i + 2], x[x0 + i + 3]
            a1, b1, c1, d1 = x[x1 + i], x[x1 + i + 1], x[x1 + i + 2], x[x1 + i + 3]
            a2, b2, c2, d2 = x[x2 + i], x[x2 + i + 1], x[x2 + i + 2], x[x2 + i + 3]
            r0 = np.uint64(at + i * n_out)
            r1, r2, r3 = r0 + m, r0 + m + m, r0 + m + m + m
            for j in range(m):
                e, f, g, h = w[r0 + j], w[r1 + j], w[r2 + j], w[r3 + j]
                y[y0 + j] += (a0 * e + b0 * f) + (c0 * g + d0 * h)
                y[y1 + j] += (a1 * e + b1 * f) + (c1 * g + d1 * h)
                y[y2 + j] += (a2 * e + b2 * f) + (c2 * g + d2 * h)
    for k in range(three, rows):
        add_product(w, at, x[k * x_stride : k * x_stride + n_in], n_in, y[k * y_stride : k * y_stride + n_out], n_out)


@decision
def product(w: Any, at: int, x: Any, n_in: int, y: Any, n_out: int) -> None:
    """Fill y with x W; see `add_product`."""
    for j in range(n_out):
        y[j] = np.float32(0.0)
    add_product(w, at, x, n_in, y, n_out)


@decision
def add_row(w: Any, at: int, y: Any, n: int) -> None:
    """Add n weights from `at` on to y."""
    for j in range(n):
        y[j] += w[at + j]


@decision
def norm_into(x: Any, y: Any, n: int) -> None:
    """Fill y with x over its root mean square."""
    total = 0.0
    for j in range(n):
        total += float(x[j]) * float(x[j])
    scale = np.float32(1.0 / math.sqrt(total / n + 1e-6))
    for j in range(n):
        y[j] = x[j] * scale


@decision
def perceptron(w: Any, at: int, x: Any, scratch: Any, n: int) -> None:
    """X += down(relu(up(norm x))^2); `at` is where `up` begins."""
    normed, wide = scratch[:n], scratch[n : 3 * n]
    norm_into(x, normed, n)
    product(w, at, normed, n, wide, 2 * n)
    for j in range(2 * n):
        v = max(wide[j], np.float32(0.0))
        wide[j] = v * v
    add_product(w, at + 2 * n * n, wide, 2 * n, x, n)


@decision
def perceptrons(w: Any, at: int, x: Any, rows: int, normed: Any, wide: Any, n: int) -> None:
    """Do `perceptron` for rows of x; `normed` has room for rows of n, `wide` of 2n."""
    for k in range(rows):
        norm_into(x[k * n : (k + 1) * n], normed[k * n : (k + 1) * n], n)
    for j in range(rows * 2 * n):
        wide[j] = np.float32(0.0)
    add_products(w, at, normed, n, rows, n, wide, 2 * n, 2 * n)
    for j in range(rows * 2 * n):
        v = max(wide[j], np.float32(0.0))
        wide[j] = v * v
    add_products(w, at + 2 * n * n, wide, 2 * n, rows, 2 * n, x, n, n)
