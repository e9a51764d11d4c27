"""stub"""

from __future__ import annotations

from typing import Any


def market_quality(rows: Any, touch: Any, market: Any, listing: Any, window: Any, symbol: int) -> dict[str, float]:
    import numpy as np

    k = np.searchsorted(rows["time_ns"], [window.start_ns, window.end_ns])
    ex = rows[rows["kind"] == 5]
    v = ex["qty_lots"][(ex["time_ns"] >= window.start_ns) & (ex["time_ns"] < window.end_ns)].sum()
    return {
        "volume_lots": float(v),
        "window_volume_lots": float(v),
        "volatility_per_sqrt_s": 1e-5,
        "mean_spread_ticks": float(np.nanmean(touch.spread_ticks)),
    }
