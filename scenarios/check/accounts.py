"""accounts.parquet against what the executions of the tape come to, agent by agent and instrument by instrument."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError
from scenarios.schema.scenario import Scenario
from sim.audit import Finding, Group, as_float, exact

__all__ = ["TapeAccounts", "check_accounts", "check_conserved", "read_accounts"]

Table = dict[str, np.ndarray[Any, Any]]
COUNTS = ("position_lots", "bought_lots", "sold_lots", "n_fills", "n_orders", "ordered_lots", "n_rejects")
OPEN = ("open_buy_lots", "open_sell_lots", "n_open")
MONEY = ("cash", "turnover", "fees", "pnl")
KEEP = 5
MICRO = 1e-6
"""Fees are whole millionths of a tick x lot: each execution may be rounded by half of one."""


class TapeAccounts:
    """Every agent's account in every instrument, from the tape; money in the instrument's currency.

    Args:
        scenario: for names, tick sizes and fees.
        accounts: of sim.audit, by agent x instruments + symbol.
        marks_ticks: price of each instrument at which positions are valued.
    """

    def __init__(self, scenario: Scenario, accounts: np.ndarray[Any, Any], marks_ticks: Sequence[float]) -> None:
        n = len(scenario.instrument)
        self.names = [table.name for table in scenario.instrument]
        self.raw = accounts.reshape(-1, n)
        tick = np.array([table.tick_value for table in scenario.instrument])
        rates = {
            side: np.array([getattr(table, f"{side}_fee_bps") / 1e4 for table in scenario.instrument])
            for side in ("maker", "taker")
        }
        maker, taker = as_float(self.raw, "maker"), as_float(self.raw, "taker")
        self.columns: Table = {name: self.raw[name] for name in (*COUNTS, *OPEN)}
        worth = self.raw["position_lots"] * np.array(marks_ticks)
        self.columns["cash"] = (as_float(self.raw, "cash") + self.raw["cash_half"] / 2) * tick
        self.columns["turnover"] = (maker + taker) * tick
        lot_fees = sum(
            self.raw[f"{side}_lots"] * np.array([getattr(t, f"{side}_fee_per_lot_ticks") for t in scenario.instrument])
            for side in ("maker", "taker")
        )
        order_fees = self.raw["n_orders"] * np.array([table.order_fee_ticks for table in scenario.instrument])
        value_fees = maker * rates["maker"] + taker * rates["taker"]
        self.columns["fees"] = (value_fees + lot_fees + order_fees) * tick
        self.columns["pnl"] = self.columns["cash"] + worth * tick - self.columns["fees"]
        self.tolerance = (1e-9 * (maker + taker + abs(worth) + 1) + 0.5001 * MICRO * self.raw["n_fills"]) * tick
        self._rates = [
            tuple(Fraction(str(getattr(table, f"{side}_fee_bps"))) / 10_000 for side in ("maker", "taker"))
            for table in scenario.instrument
        ]

        names = ("maker_fee_per_lot_ticks", "taker_fee_per_lot_ticks", "order_fee_ticks")
        self._flat = [[Fraction(str(getattr(table, n))) for n in names] for table in scenario.instrument]

    @property
    def is_active(self) -> np.ndarray[Any, Any]:
        """Which accounts the tape says something about, by agent and symbol."""
        return np.any([self.raw[name] > 0 for name in ("n_fills", "n_orders", "n_rejects")], axis=0)

    def unbalanced(self) -> list[Finding]:
        """Return sums over all agents that are not zero; whole numbers, so nothing is rounded."""
        findings = []
        for symbol, name in enumerate(self.names):
            own = self.raw[:, symbol]
            shares = int(own["position_lots"].sum())
            cash = sum(exact(own, "cash")) + int(own["cash_half"].sum()) // 2
            taker, maker = sum(exact(own, "taker")), sum(exact(own, "maker"))
            for what, left in (("shares", shares), ("cash", cash), ("value taken less value made", taker - maker)):
                if left != 0:
                    findings.append(
                        Finding("conserved", f"{what} of all agents in {name}, by the tape", "0", str(left))
                    )
        return findings

    def fees_total(self, symbol: int) -> Fraction:
        """Fees of all agents in an instrument in ticks x lots, exactly as the scenario's rates say."""
        maker, taker = self._rates[symbol]
        own = self.raw[:, symbol]
        maker_lot, taker_lot, order = self._flat[symbol]
        flat = int(own["maker_lots"].sum()) * maker_lot + int(own["taker_lots"].sum()) * taker_lot
        flat += int(own["n_orders"].sum()) * order
        return Fraction(sum(exact(own, "maker")) * maker + sum(exact(own, "taker")) * taker) + flat


def read_accounts(path: Path) -> Table:
    """Return the columns of accounts.parquet.

    Raises:
        InputError: if it cannot be read, or lacks a column.
    """
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path}: not a readable table of accounts ({str(error).splitlines()[0]})") from None
    missing = [name for name in ("agent", "population", *COUNTS, *MONEY) if name not in frame.columns]
    if missing:
        raise InputError(f"{path}: lacks the column {missing[0]}; allowed: accounts as `outcry run` writes them")
    for name in ("agent", *COUNTS, *MONEY):
        if not frame[name].dtype.is_numeric():
            raise InputError(f"{path}: column {name} is {frame[name].dtype}; allowed: numbers")
    return {name: frame[name].to_numpy() for name in frame.columns}


def check_accounts(table: Table, tape: TapeAccounts, groups: Sequence[Group]) -> tuple[list[Finding], int]:
    """Compare the stored accounts with those of the tape; return the first findings of each column, and all faults."""
    n_agents, n_symbols = tape.raw.shape
    agent = table["agent"].astype(np.int64)
    by_instrument = next((name for name in ("instrument", "symbol") if name in table), None)
    symbol = np.zeros(len(agent), np.int64)
    if by_instrument is not None:
        symbol = np.array([tape.names.index(n) if n in tape.names else -1 for n in table[by_instrument]], np.int64)
    findings: list[Finding] = []
    total = 0

    def compare(what: str, wrong: np.ndarray[Any, Any], expected: Any, found: Any, check: str = "accounts") -> None:
        nonlocal total
        total += int(np.count_nonzero(wrong))
        for k in np.flatnonzero(wrong)[:KEEP]:
            where = f" in {tape.names[symbol[k]]}" if by_instrument is not None and symbol[k] >= 0 else ""
            findings.append(Finding(check, f"{what} of agent {agent[k]}{where}", f"{expected[k]}", f"{found[k]}"))

    strange = (agent < 0) | (agent >= n_agents) | (symbol < 0)
    compare("account", strange, np.full(len(agent), "an agent and an instrument of the scenario"), agent)
    if strange.any():
        return findings, total
    names = np.repeat([group.name for group in groups], [group.count for group in groups])
    compare("population", names[agent] != table["population"], names[agent], table["population"])
    if by_instrument is not None:
        expected: Table = {name: column[agent, symbol] for name, column in tape.columns.items()}
        slack = tape.tolerance[agent, symbol]
        n_rows = np.bincount(agent * n_symbols + symbol, minlength=n_agents * n_symbols).reshape(-1, n_symbols)
        must = tape.is_active
    else:
        expected = {name: column.sum(axis=1)[agent] for name, column in tape.columns.items()}
        slack = tape.tolerance.sum(axis=1)[agent]
        n_rows = np.bincount(agent, minlength=n_agents)[:, None]
        must = tape.is_active.reshape(n_agents, -1).any(axis=1).reshape(-1, 1)
    for name in (*COUNTS, *OPEN):
        if name in table:
            compare(name, np.not_equal(expected[name], table[name]), expected[name], table[name])
    for name in MONEY:
        wrong = ~(abs(expected[name] - table[name]) <= slack)
        compare(name, wrong, expected[name], table[name], "fees" if name == "fees" else "accounts")
    # Agents that traded and have no account, or two.
    odd = np.flatnonzero((n_rows > 1) | (must & (n_rows == 0)))
    for k in odd[:KEEP]:
        who, where = divmod(int(k), n_rows.shape[1])
        place = f" in {tape.names[where]}" if by_instrument is not None else ""
        findings.append(Finding("accounts", f"rows of agent {who}{place}", "1", str(n_rows[who, where])))
    return findings, total + len(odd)


def check_conserved(table: Table, tape: TapeAccounts, scenario: Scenario) -> list[Finding]:
    """Return what is not conserved: over all agents, shares and cash sum to 0, and P&L to minus the fees."""
    findings = tape.unbalanced()
    key = next((name for name in ("instrument", "symbol") if name in table), None)
    for symbol, name in enumerate(tape.names):
        own = table[key] == name if key is not None else np.ones(len(table["agent"]), bool)
        if key is None and len(tape.names) > 1:
            break
        tick = scenario.instrument[symbol].tick_value
        slack = float(tape.tolerance[:, symbol].sum()) + 1e-9 * float(abs(table["pnl"][own]).sum())
        fees = float(table["fees"][own].sum())
        should = float(tape.fees_total(symbol)) * tick
        sums = {
            "shares": (0.0, float(table["position_lots"][own].sum()), 0.0),
            "cash": (0.0, float(table["cash"][own].sum()), slack),
            "P&L (minus the fees)": (-fees, float(table["pnl"][own].sum()), slack),
            "fees": (should, fees, slack),
        }
        for what, (expected, found, allowed) in sums.items():
            if not abs(expected - found) <= allowed:
                check = "fees" if what == "fees" else "conserved"
                findings.append(Finding(check, f"{what} of all agents in {name}", f"{expected:.10g}", f"{found:.10g}"))
    return findings
