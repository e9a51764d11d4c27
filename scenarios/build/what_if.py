"""Settings that cannot change a market, whatever they are set to, and the ones that do what was meant."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["what_if_notes"]

_MONEY = "agents and the book count in ticks and lots"
_INSTEAD = {
    "tick_size": f"tick_size only says what a tick is worth ({_MONEY}): a coarser price grid is price_step_ticks",
    "lot_size": f"lot_size only says what a lot is ({_MONEY}): larger orders are settings of the populations, as "
    "size_lots, or min_order_lots",
    "maker_fee_bps": "maker_fee_bps is charged to the accounts, and no shipped population quotes by its fees: wider or "
    "narrower quotes are settings of the makers, or an agent of your own that knows the fee",
    "taker_fee_bps": "taker_fee_bps is charged to the accounts, and no shipped population trades by its fees: who "
    "would trade less is an agent of your own that knows the fee, or a lower rate of the population",
}


def what_if_notes(paths: Iterable[str]) -> list[str]:
    """Return a line for each setting of an instrument among these that changes figures in money only.

    Args:
        paths: of settings, as in "instrument.ABC.tick_size" or with "=" and a value behind.
    """
    names = [path.partition("=")[0].strip().rpartition(".")[2] for path in paths if path.startswith("instrument.")]
    return [f"{_INSTEAD[name]}." for name in dict.fromkeys(names) if name in _INSTEAD]
