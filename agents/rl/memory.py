"""What a learning agent remembers, and what its population's block holds, as records with names.

Compiled code writes a feature by its name; whoever picks features by name gets their cells from this layout
(`feature_cells`). The order of the catalogue, of the fields here, or of a weights file can change without the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.rl.features import FEATURES, N_TRADE_WINDOW, check_features
from sim.opened import block_record, cells_of, memory_record

__all__ = ["BLOCK", "LEARNER", "LEARNER_CELLS", "MAX_HIDDEN", "WEIGHTS", "block_of", "feature_cells", "learner_of"]

MAX_HIDDEN = 64
_PLAIN = [name for name in FEATURES if not name.startswith("trade_") or name == "trade_imbalance"]

LEARNER: np.dtype[Any] = np.dtype(
    [
        ("action", "<f8", (2,)),
        *[(name, "<f8") for name in _PLAIN],
        ("trade_price", "<f8", (N_TRADE_WINDOW,)),
        ("trade_lots", "<f8", (N_TRADE_WINDOW,)),
        ("layer_1", "<f8", (MAX_HIDDEN,)),
        ("layer_2", "<f8", (MAX_HIDDEN,)),
        ("layer_3", "<f8", (MAX_HIDDEN,)),
    ]
)
"""An agent's memory. action: what to do next, an entry of the menu or one or two numbers. Then the features of the last
look, the window of trades as two arrays, and room for the layers of a network."""

BLOCK: np.dtype[Any] = np.dtype(
    [
        ("has_network", "<f8"),
        ("n_selected", "<f8"),
        ("selected", "<f8", (len(FEATURES),)),
        ("hidden_1", "<f8"),
        ("hidden_2", "<f8"),
        ("n_outputs", "<f8"),
        ("is_continuous", "<f8"),
        ("log_std", "<f8", (2,)),
    ]
)
"""The beginning of a population's block. selected: cells of the observed features in the memory. The network: its
sizes, whether its actions are continuous, their log deviations; its weights follow, w1, b1, w2, b2, w3, b3."""

LEARNER_CELLS = cells_of(LEARNER)
WEIGHTS = cells_of(BLOCK)
"""Cell of the block at which the weights begin."""

learner_of = memory_record(LEARNER)
block_of = block_record(BLOCK)


def feature_cells(names: Sequence[str]) -> list[int]:
    """Return the cells of the memory in which features stand.

    Raises:
        InputError: if a name is unknown, given twice, or none is given.
    """
    check_features(names)
    return [_cell_of(name) for name in names]


def _cell_of(name: str) -> int:
    fields = LEARNER.fields
    assert fields is not None
    if name in _PLAIN:
        return int(fields[name][1]) // 8
    _, number, kind = name.split("_")
    return int(fields[f"trade_{kind}"][1]) // 8 + int(number)
