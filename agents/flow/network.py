"""The generator's network as compiled code: the same numbers as model.py, without torch, one event at a time.

Everywhere `h` is the header of the weights (weights.HEADER) and `w` their float32 payload. In the shapes beside the
lines n is the width, W the window, K the length of a block; a layer's weights are qkv (n, 3n), out (n, n), up (n, 2n)
and down (2n, n), 8 n n numbers in all. How sums are made: products.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from agents.flow.codes import MARKET, N_FEATURES, N_LOCAL, N_ORDER_CODES, SIGN_FEATURE, SLOW_SIGN_FEATURE
from agents.flow.products import (
    add_product,
    add_products,
    add_row,
    exp_fast,
    mix,
    norm_into,
    perceptron,
    perceptrons,
    product,
    scores_of,
    sigmoid,
    softmax,
    tanh,
)
from sim.policy import decision

__all__ = [
    "MASK_CODE", "block_room", "context_room", "denoise", "embed", "first_state", "give_delay",
    "give_order", "head_delay", "head_detail", "head_order", "head_state", "push_event",
]  # fmt: skip

MASK_CODE = N_ORDER_CODES
LEAST_WEIGHT = np.float32(1e-9)
"""Attention weights up to this share of the largest are left out."""


@decision
def embed(h: Any, w: Any, order: int, detail: int, delay: int, y: Any) -> None:
    """Fill y with the embedding of an event's codes, or of the mask (order MASK_CODE).

    A detail that is not drawn yet has the code after the last one.
    """
    n = h.width
    at = h.at_order + order * n
    for j in range(n):
        y[j] = w[at + j]
    if order != MASK_CODE:
        add_row(w, h.at_detail + detail * n, y, n)
        add_row(w, h.at_delay + delay * n, y, n)


@decision
def context_room(h: Any) -> int:
    """float32 cells of a history: keys and values of all layers, the context vector, scratch."""
    n, window = h.width, h.window
    return h.layers * window * 2 * n + n + 8 * n + window


@decision
def push_event(h: Any, w: Any, m: Any, count: int, order: int, detail: int, delay: int, book: Any) -> None:
    """Take one event into the history `m`, of which `count` came before.

    Its context vector then lies behind the keys and values; see `context_room`.
    """
    n, heads, window, n_layers = h.width, h.heads, h.window, h.layers
    per_layer = window * 2 * n
    at_context = n_layers * per_layer
    x = m[at_context : at_context + n]  # (n,): the event, in the end its context vector
    scratch = m[at_context + n : at_context + 9 * n]  # (8n,)
    scores = m[at_context + 9 * n : at_context + 9 * n + window]  # (W,)
    embed(h, w, order, detail, delay, x)
    add_product(w, h.at_book, book, N_FEATURES, x, n)
    add_row(w, h.at_stock + h.stock_index * n, x, n)
    slot = count % window
    filled = min(count + 1, window)
    size = n // heads
    normed, qkv, mixed = scratch[:n], scratch[n : 4 * n], scratch[4 * n : 5 * n]  # (n,), (3n,), (n,)
    for layer in range(n_layers):
        at = h.at_layers + layer * 8 * n * n
        keys = m[layer * per_layer : layer * per_layer + window * n]  # (n, W)
        values = m[layer * per_layer + window * n : (layer + 1) * per_layer]  # (W, n)
        norm_into(x, normed, n)
        product(w, at, normed, n, qkv, 3 * n)
        for j in range(n):
            keys[j * window + slot] = qkv[n + j]
            values[slot * n + j] = qkv[2 * n + j]
            mixed[j] = np.float32(0.0)
        inverse = np.float32(1.0 / math.sqrt(size))
        for head in range(heads):
            scores_of(keys, window, qkv, head * size, size, inverse, scores)
            slope = np.float32(2.0 ** (-8.0 * (head + 1) / heads))
            for j in range(slot + 1):
                scores[j] -= slope * np.float32(slot - j)
            for j in range(slot + 1, filled):
                scores[j] -= slope * np.float32(slot - j + window)
            total = softmax(scores, filled)
            for j in range(filled):
                scores[j] = scores[j] if scores[j] > LEAST_WEIGHT else np.float32(0.0)
            mix(scores, filled, values, head * size, n, mixed, head * size, size)
            scale = np.float32(1.0 / total)
            part = mixed[head * size : (head + 1) * size]  # (n / heads,)
            for i in range(size):
                part[i] *= scale
        add_product(w, at + 3 * n * n, mixed, n, x, n)
        perceptron(w, at + 4 * n * n, x, scratch, n)
    norm_into(x, x, n)


@decision
def block_room(h: Any) -> int:
    """float32 cells of a block: vectors, queries, keys, values of K + 1 positions, scratch, keys and mixed values."""
    n, length = h.width, h.block + 1
    return length * n + length * 3 * n + 8 * n + length + 2 * n * length


@decision
def denoise(
    h: Any, w: Any, m: Any, context: Any, length: int, orders: Any, details: Any, delays: Any, volatility: int,
    drift: int, strength: float,
) -> None:  # fmt: skip
    """Fill the first rows 1 .. length of `m` (width wide) with a vector for each position of a block.

    Args:
        h: header of the weights.
        w: their payload.
        m: room of a block; see `block_room`.
        context: context vector.
        length: K.
        orders: codes; -1: masked.
        details: codes.
        delays: codes.
        volatility: condition, 0 to 3.
        drift: condition, 0 to 3.
        strength: of the conditions; 1 as in training, above 1 exaggerates them.
    """
    n, heads = h.width, h.heads
    rows = length + 1
    size = n // heads
    at_qkv = (h.block + 1) * n
    at_scratch = at_qkv + (h.block + 1) * 3 * n
    scratch = m[at_scratch : at_scratch + 8 * n]  # (8n,)
    at_keys = at_scratch + 8 * n + h.block + 1
    scores = m[at_scratch + 8 * n : at_scratch + 8 * n + rows]  # (K + 1,)
    keys = m[at_keys : at_keys + n * rows]  # (n, K + 1): the keys of a layer beside each other
    mixed = m[at_keys + n * rows : at_keys + 2 * n * rows]  # (K + 1, n): what a layer reads, then the mixed values
    x_rows, qkv = m[: rows * n], m[at_qkv : at_qkv + rows * 3 * n]  # (K + 1, n), (K + 1, 3n)
    x = m[:n]  # (n,): row 0 of the block, the start token
    product(w, h.at_start, context, n, x, n)
    add_row(w, h.at_stock + h.stock_index * n, x, n)
    for at, regime in ((h.at_volatility, volatility), (h.at_drift, drift)):
        for j in range(n):
            none = w[at + j]
            x[j] += none + np.float32(strength) * (w[at + regime * n + j] - none)
    shared = scratch[:n]  # (n,): what the context says to every position
    product(w, h.at_spread, context, n, shared, n)
    for k in range(length):
        x = m[(k + 1) * n : (k + 2) * n]  # (n,)
        if orders[k] < 0:
            embed(h, w, MASK_CODE, 0, 0, x)
        else:
            embed(h, w, int(orders[k]), int(details[k]), int(delays[k]), x)
        add_row(w, h.at_position + k * n, x, n)
        for j in range(n):
            x[j] += shared[j]
    inverse = np.float32(1.0 / math.sqrt(size))
    for layer in range(h.block_layers):
        at = h.at_block_layers + layer * 8 * n * n
        for k in range(rows):
            norm_into(x_rows[k * n : (k + 1) * n], mixed[k * n : (k + 1) * n], n)
        for j in range(rows * 3 * n):
            qkv[j] = np.float32(0.0)
        add_products(w, at, mixed, n, rows, n, qkv, 3 * n, 3 * n)
        for k in range(rows):
            for i in range(n):
                keys[i * rows + k] = qkv[k * 3 * n + n + i]
        for j in range(rows * n):
            mixed[j] = np.float32(0.0)
        for k in range(rows):
            query = qkv[k * 3 * n : k * 3 * n + n]  # (n,)
            for head in range(heads):
                scores_of(keys, rows, query, head * size, size, np.float32(1.0), scores)
                for other in range(rows):
                    scores[other] *= inverse
                total = softmax(scores, rows)
                for other in range(rows):
                    scores[other] = np.float32(float(scores[other]) / total)
                mix(scores, rows, qkv, 2 * n + head * size, 3 * n, mixed, k * n + head * size, size)
        add_products(w, at + 3 * n * n, mixed, n, rows, n, x_rows, n, n)
        perceptrons(w, at + 4 * n * n, x_rows, rows, mixed, qkv, n)
    for k in range(rows):
        norm_into(m[k * n : (k + 1) * n], m[k * n : (k + 1) * n], n)


@decision
def first_state(h: Any, w: Any, context: Any, state: Any) -> None:
    """Fill the recurrent head's state at the beginning of a block, shape (width,)."""
    n = h.width
    for j in range(n):
        state[j] = w[h.at_first_bias + j]
    add_product(w, h.at_first, context, n, state, n)
    for j in range(n):
        state[j] = np.float32(tanh(float(state[j])))


@decision
def head_state(
    h: Any, w: Any, state: Any, k: int, order: int, detail: int, delay: int, book: Any, is_draft: int, vector: Any,
    y: Any, scratch: Any,
) -> None:  # fmt: skip
    """Move the head to position k of the block and fill y, shape (head,).

    Args:
        h: header of the weights.
        w: their payload.
        state: recurrent state, shape (width,); is replaced.
        k: position.
        order: code of the order before (of position k - 1); MASK_CODE: not known.
        detail: of the order before.
        delay: of the order before.
        book: features of the live book, or of the block's beginning in a draft.
        is_draft: 1 for orders drawn ahead of time.
        vector: of this position, from `denoise`.
        y: what `head_delay` reads.
        scratch: 8 widths.
    """
    n = h.width
    x, gates, own = scratch[:n], scratch[n : 4 * n], scratch[4 * n : 7 * n]  # (n,), (3n,), (3n,): reset, keep, fresh
    if k > 0:
        embed(h, w, order, detail, delay, x)
    else:
        for j in range(n):
            x[j] = np.float32(0.0)
    add_product(w, h.at_book, book, N_FEATURES, x, n)
    add_row(w, h.at_draft + is_draft * n, x, n)
    for j in range(3 * n):
        gates[j] = w[h.at_cell_in_bias + j]
        own[j] = w[h.at_cell_state_bias + j]
    add_product(w, h.at_cell_in, x, n, gates, 3 * n)
    add_product(w, h.at_cell_state, state, n, own, 3 * n)
    for j in range(n):
        reset = sigmoid(float(gates[j]) + float(own[j]))
        keep = sigmoid(float(gates[n + j]) + float(own[n + j]))
        fresh = tanh(float(gates[2 * n + j]) + reset * float(own[2 * n + j]))
        x[j] = np.float32((1.0 - keep) * fresh + keep * float(state[j]))
    for j in range(n):
        state[j] = x[j]
    size = h.head
    for j in range(size):
        y[j] = w[h.at_merge_bias + j]
    add_product(w, h.at_merge, state, n, y, size)
    add_product(w, h.at_merge + n * size, vector, n, y, size)


@decision
def _logits_into(h: Any, w: Any, y: Any, at: int, at_bias: int, n: int, logits: Any) -> None:
    """Fill n logits, relu(y) W + b; the cells behind them are scratch."""
    size = h.head
    for j in range(n):
        logits[j] = w[at_bias + j]
    rectified = logits[n : n + size]  # (head,)
    for j in range(size):
        rectified[j] = max(y[j], np.float32(0.0))
    add_product(w, at, rectified, size, logits, n)


@decision
def _draw(logits: Any, n: int, allowed: Any, u: float) -> int:
    """Draw one of n classes from the softmax of logits among the allowed ones (above 0); -1 if none is."""
    top = -1e30
    for j in range(n):
        if allowed[j] > 0:
            top = max(top, float(logits[j]))
    if top < -1e29:
        return -1
    total = 0.0
    for j in range(n):
        e = exp_fast(float(logits[j]) - top) if allowed[j] > 0 else 0.0
        logits[j] = np.float32(e)
        total += float(logits[j])
    left, last = u * total, -1
    for j in range(n):
        if logits[j] > 0:
            last = j
            left -= float(logits[j])
            if left < 0:
                return j
    return last


@decision
def head_delay(h: Any, w: Any, y: Any, allowed: Any, u: float, scratch: Any) -> int:
    """Draw the delay class and take it into y; `scratch` needs n_delays + head cells."""
    n = h.n_delays
    _logits_into(h, w, y, h.at_to_delay, h.at_to_delay_bias, n, scratch)
    drawn = _draw(scratch, n, allowed, u)
    give_delay(h, w, y, drawn)
    return drawn


@decision
def give_delay(h: Any, w: Any, y: Any, delay: int) -> None:
    """Take a delay class into y."""
    add_row(w, h.at_given_delay + delay * h.head, y, h.head)


@decision
def head_order(h: Any, w: Any, y: Any, book: Any, allowed: Any, u: float, scratch: Any) -> int:
    """Draw the order code among the allowed ones; -1 if there is none. Then call `give_order`.

    `book` are the features that the head has seen: market orders lean to the side of the latest ones before them, as
    far as these stand out from the many, by as much as closed_loop.py has found missing.
    """
    _logits_into(h, w, y, h.at_to_order, h.at_to_order_bias, N_ORDER_CODES, scratch)
    lean = w[h.at_sign_memory] * np.float32(book[SIGN_FEATURE] - 0.5 * book[SLOW_SIGN_FEATURE])
    scratch[MARKET] += lean
    scratch[N_LOCAL + MARKET] -= lean
    return _draw(scratch, N_ORDER_CODES, allowed, u)


@decision
def give_order(h: Any, w: Any, y: Any, order: int) -> None:
    """Take an order code into y."""
    add_row(w, h.at_given_order + order * h.head, y, h.head)


@decision
def head_detail(h: Any, w: Any, y: Any, allowed: Any, u: float, scratch: Any) -> int:
    """Draw the detail among the allowed ones; -1 if there is none."""
    n = h.n_details
    _logits_into(h, w, y, h.at_to_detail, h.at_to_detail_bias, n, scratch)
    return _draw(scratch, n, allowed, u)
