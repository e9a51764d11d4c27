"""Python traders: RL, LLM and a user's own experiments. The kernel returns to Python exactly when one of them wakes.

A trader declares all of its state, so that snapshots and forks work: `state()` returns plain data (what json can hold),
`set_state()` takes it back. Randomness comes from `view.uniform(k)`, never from a generator of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from pydantic import BaseModel

from lob.blocks import record_address
from lob.errors import FieldError, RunError
from lob.fields import INT64, side_of, time_in_force_of, truth, whole
from lob.instructions import order_fields
from lob.types import DETAIL_FIELDS, NO_PRICE, Flag, MessageKind, Phase, TimeInForce
from sim.bulletins import Bulletin
from sim.codes import STATUS_IN_FLIGHT_FULL
from sim.heap import LAST_NS
from sim.kernel import detail, post, set_python_timer
from sim.records import MAX_OUT, OUT, VIEW, Needs, Wake
from sim.rng import normal_quantile, raw_uniform
from sim.sending import LATENCY_INDEX, has_details

__all__ = ["Ask", "OwnOrder", "Panel", "Trader", "TraderView"]

SideName = Literal["buy", "sell"]


def _position(field: str) -> int:
    """Position of an int64 field of the view in words; a memoryview of words is read five times faster by Python."""
    return int(VIEW.fields[field][1]) // 8  # type: ignore[index]


_TIME_NS = _position("time_ns")
_OPEN_NS = _position("open_ns")
_CLOSE_NS = _position("close_ns")
_REASON = _position("reason")
_PHASE = _position("phase")
_BID_TICKS = _position("bid_ticks")
_ASK_TICKS = _position("ask_ticks")
_BID_LOTS = _position("bid_lots")
_ASK_LOTS = _position("ask_lots")
_LAST_TICKS = _position("last_ticks")
_VOLUME_LOTS = _position("volume_lots")
_POSITION_LOTS = _position("position_lots")
_CASH_TICKS = _position("cash_ticks")
_N_IN_FLIGHT = _position("n_in_flight")


class OwnOrder:
    """One of the trader's resting orders."""

    __slots__ = ("order_id", "price_ticks", "qty_lots", "side")

    def __init__(self, order_id: int, side: SideName, price_ticks: int, qty_lots: int) -> None:
        self.order_id, self.side, self.price_ticks, self.qty_lots = order_id, side, price_ticks, qty_lots

    def __repr__(self) -> str:
        """Show the order."""
        return f"<OwnOrder {self.order_id}: {self.side} {self.qty_lots} x {self.price_ticks}>"


class Panel(Protocol):
    """Answers the questions of several traders at once: a language model, a network, a solver."""

    def answer(self, questions: Sequence[Any]) -> Sequence[Any]:
        """Return one answer for each question, in their order; an answer must not depend on the others."""


@dataclass(frozen=True)
class Ask:
    """What `on_wake` returns to decide together with all other traders who wake at the same instant.

    The market goes on until nobody else is due at that instant, gives each panel all its questions at once, and calls
    `on_answer` with the view as it was. Time does not pass meanwhile, and nothing else changes.
    """

    panel: Panel
    question: Any


class Trader:
    """Base of all Python traders: override `on_wake`, and `state` and `set_state` if it remembers anything.

    Class attributes `wakes_on` and `needs` say which market events wake it and what of the view is filled; `files`
    names the settings that are paths of files or folders, such as "model" or "backend.weights": in a scenario,
    relative ones start at the scenario file, and their content counts in the run's configuration hash.

    Its settings in a scenario are the arguments of its constructor, checked by their types before anything runs. A
    class whose constructor takes them as `**settings` says with `Settings`, a pydantic model, what they are. What else
    can be wrong with them, `check_settings` tells.
    """

    wakes_on: Wake = Wake(0)
    needs: Needs = Needs(0)
    files: tuple[str, ...] = ()
    Settings: ClassVar[type[BaseModel] | None] = None

    @classmethod
    def check_settings(cls, settings: dict[str, Any]) -> None:
        """Raise ValueError if a trader cannot be made of settings whose types are right: a file that does not fit, say.

        Called once when a scenario is read, before anything is written.
        """

    def on_wake(self, view: TraderView) -> float | Ask | None:
        """Decide: send orders through `view`; return the seconds until the next timer wake-up, None for none.

        Or return a question, to decide in `on_answer` together with others; see `Ask`.
        """
        raise NotImplementedError

    def on_answer(self, view: TraderView, answer: Any) -> float | None:
        """Decide with the answer to the question that `on_wake` returned; the view is the same."""
        raise NotImplementedError

    def state(self) -> Any:
        """Return everything that the trader remembers, as plain data. None: it remembers nothing."""
        return None

    def set_state(self, state: Any) -> None:
        """Take back what `state` returned."""


class TraderView:
    """What a Python trader sees when it wakes, and how it sends orders. Valid during `on_wake` only.

    Numbers of an order are whole: ints, NumPy integers, floats without a fraction. Anything else, a price of 1999.5 or
    a side "BUY", is a mistake in the trader: FieldError. What an exchange may refuse, such as a quantity of 10^10 lots
    or the id of an order that is gone, comes back as a reject (`Wake.REJECT`).
    """

    __slots__ = ("_agents", "_bulletins", "_count", "_delay_ns", "_index", "_ints", "_needs", "_record", "_world")

    def __init__(
        self, world_address: int, record: Any, agents: Any, bulletins: dict[int, tuple[Bulletin, ...]] | None = None
    ) -> None:
        self._world = world_address
        self._record = record
        self._ints = memoryview(record).cast("B")[: VIEW.itemsize // 8 * 8].cast("q")
        self._agents = agents
        self._bulletins = bulletins or {}
        self._index = 0
        self._count = 0
        self._delay_ns = 0
        self._needs = 0

    def _begin(self, index: int, needs: Needs) -> None:
        self._index, self._count, self._needs, self._delay_ns = index, 0, int(needs), 0

    def _require(self, needed: int, name: str) -> None:
        # What a trader does not declare is not filled: the record still shows what another one was given.
        if not self._needs & needed:
            raise AttributeError(f"the view shows this only to traders that declare needs = Needs.{name}")

    # ---- seeing -----------------------------------------------------------------------------------------------

    @property
    def time_ns(self) -> int:
        """Time of the decision in ns since midnight."""
        return self._ints[_TIME_NS]

    @property
    def agent(self) -> int:
        """The trader's own agent id, as on the tape."""
        return self._index

    @property
    def phase(self) -> Phase:
        """The instrument's trading phase."""
        return Phase(self._ints[_PHASE])

    @property
    def open_ns(self) -> int:
        """Opening time of the session."""
        return self._ints[_OPEN_NS]

    @property
    def close_ns(self) -> int:
        """Closing time of the session."""
        return self._ints[_CLOSE_NS]

    @property
    def reason(self) -> Wake:
        """Why the trader was woken; several reasons may be merged."""
        return Wake(self._ints[_REASON])

    @property
    def best_bid_ticks(self) -> int | None:
        """Best bid, None if there is none."""
        value = self._ints[_BID_TICKS]
        return None if value == NO_PRICE else value

    @property
    def best_ask_ticks(self) -> int | None:
        """Best ask, None if there is none."""
        value = self._ints[_ASK_TICKS]
        return None if value == NO_PRICE else value

    @property
    def mid_ticks(self) -> float | None:
        """Midpoint of the touch, None unless both sides are there."""
        bid, ask = self.best_bid_ticks, self.best_ask_ticks
        return None if bid is None or ask is None else (bid + ask) / 2

    @property
    def bid_lots(self) -> int:
        """Quantity at the best bid."""
        return self._ints[_BID_LOTS]

    @property
    def ask_lots(self) -> int:
        """Quantity at the best ask."""
        return self._ints[_ASK_LOTS]

    @property
    def last_ticks(self) -> int:
        """Last trade price; the reference price before the first trade."""
        return self._ints[_LAST_TICKS]

    @property
    def volume_lots(self) -> int:
        """Quantity traded since the open."""
        return self._ints[_VOLUME_LOTS]

    @property
    def position_lots(self) -> int:
        """Own position."""
        return self._ints[_POSITION_LOTS]

    @property
    def cash_ticks(self) -> int:
        """Own cash in ticks x lots, from 0 at the open, before fees."""
        return self._ints[_CASH_TICKS]

    @property
    def n_in_flight(self) -> int:
        """Own messages that have not arrived yet, those still thought about included."""
        return self._ints[_N_IN_FLIGHT]

    @property
    def signal_ticks(self) -> float:
        """Fundamental value; needs Needs.SIGNAL."""
        self._require(_SIGNAL, "SIGNAL")
        return float(self._record["signal"])

    @property
    def news(self) -> float:
        """Number carried by the last news."""
        return float(self._record["news"])

    @property
    def bulletins(self) -> tuple[Bulletin, ...]:
        """Texts that the trader's population has learnt of so far, oldest first."""
        now = self.time_ns
        return tuple(b for b in self._bulletins.get(self._index, ()) if b.time_ns <= now)

    @property
    def next_bulletin_ns(self) -> int | None:
        """When the next text comes, for the trader's timer; None: none will."""
        now = self.time_ns
        return min((b.time_ns for b in self._bulletins.get(self._index, ()) if b.time_ns > now), default=None)

    @property
    def own_orders(self) -> list[OwnOrder]:
        """Own resting orders, oldest first; needs Needs.OWN."""
        self._require(_OWN, "OWN")
        r = self._record
        return [
            OwnOrder(
                int(r["own_id"][k]),
                "buy" if r["own_side"][k] > 0 else "sell",
                int(r["own_ticks"][k]),
                int(r["own_lots"][k]),
            )
            for k in range(int(r["n_own"]))
        ]

    def depth(self, side: SideName) -> list[tuple[int, int]]:
        """Return [(price_ticks, lots)] from the touch outwards, at most 10 levels; needs Needs.DEPTH."""
        self._require(_DEPTH, "DEPTH")
        r, name = self._record, "bid" if side_of(side) > 0 else "ask"
        n = int(r[f"n_{name}_levels"])
        prices, lots = r[f"{name}_depth_ticks"][:n], r[f"{name}_depth_lots"][:n]
        return list(zip(prices.tolist(), lots.tolist(), strict=True))

    def uniform(self, index: int) -> float:
        """Uniform draw on (0, 1) of this decision; use one index per purpose, below 2^20."""
        index = whole("index", index, 0, LATENCY_INDEX - 1)
        return float(raw_uniform(self._agents["draw_key"][self._index], index))

    def normal(self, index: int) -> float:
        """Standard normal draw of this decision."""
        return float(normal_quantile(self.uniform(index)))

    # ---- acting -----------------------------------------------------------------------------------------------

    def think(self, seconds: float) -> None:
        """Send this decision's further messages so much later: they were decided on what is seen now.

        Until then they are not on their way: what the trader sends in the meantime, and a kill switch, comes first.

        Raises:
            FieldError: if the time is negative or not finite.
        """
        if not _is_number(seconds) or not 0 <= seconds < 1e6:
            raise FieldError(f"seconds = {seconds!r}; allowed: 0 to 1e6")
        self._delay_ns = round(float(seconds) * 1e9)

    def limit(
        self,
        side: SideName,
        price_ticks: int,
        qty_lots: int,
        *,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        post_only: bool = False,
        parent_id: int = 0,
    ) -> None:
        """Send a limit order; `time_in_force` is "GTC", "IOC" or "FOK"."""
        flags = int(Flag.POST_ONLY) if truth("post_only", post_only) else 0
        tif = time_in_force_of(time_in_force, with_time=False)
        self._post(MessageKind.LIMIT, side_of(side), price_ticks, qty_lots, 0, tif, flags, parent_id)

    def order(self, kind: str, **instructions: Any) -> None:
        """Send a new order of any kind with any instructions, in the words of `lob.order_fields`.

        For instance "limit" with side="sell", price_ticks=101, qty_lots=100, display_lots=10 for an iceberg, "pegged"
        with peg="midpoint", or "stop" with trigger_ticks=95.

        Raises:
            FieldError: what cannot be an order at all.
        """
        fields = order_fields(kind, instructions)
        self._post(
            fields["kind"], fields["side"], fields.get("price_ticks", 0), fields.get("qty_lots", 0),
            fields.get("order_id", 0), fields["time_in_force"], fields["flags"], fields.get("parent_id", 0),
        )  # fmt: skip
        detail(self._world, *(fields.get(name, 0) for name in DETAIL_FIELDS))

    def market(self, side: SideName, qty_lots: int, *, parent_id: int = 0) -> None:
        """Send a market order; what cannot be filled at once expires."""
        self._post(MessageKind.MARKET, side_of(side), 0, qty_lots, 0, TimeInForce.IOC, 0, parent_id)

    def cancel(self, order_id: int) -> None:
        """Withdraw one own order."""
        self._post(MessageKind.CANCEL, 0, 0, 0, order_id, 0, 0, 0)

    def cancel_all(self) -> None:
        """Withdraw all own orders."""
        self._post(MessageKind.CANCEL_ALL, 0, 0, 0, 0, 0, 0, 0)

    def reduce(self, order_id: int, by_lots: int) -> None:
        """Take quantity away from an own order, which keeps its place."""
        self._post(MessageKind.REDUCE, 0, 0, by_lots, order_id, 0, 0, 0)

    def replace(self, order_id: int, price_ticks: int, qty_lots: int, *, post_only: bool = False) -> None:
        """Give an own order a new price and open quantity."""
        flags = int(Flag.POST_ONLY) if truth("post_only", post_only) else 0
        self._post(MessageKind.REPLACE, 0, price_ticks, qty_lots, order_id, 0, flags, 0)

    @contextmanager
    def compiled(self, memory: Any, agent: Any) -> Iterator[tuple[Any, Any]]:
        """Give compiled functions of a policy what the kernel would give them; send afterwards what they want to send.

        Args:
            memory: float64 array that `sim.policy.memory` shows them.
            agent: record of dtype AGENT that they take as theirs; it gets the keys of this decision.

        Yields:
            The view, dtype VIEW, and the messages, dtype OUT.

        Raises:
            RunError: if they send more messages than fit into one decision.
        """
        record, out = self._record, np.zeros(1, OUT)[0]
        record["memory_address"], record["n_memory"] = record_address(memory), len(memory)
        agent["key"], agent["draw_key"] = self._agents["key"][self._index], self._agents["draw_key"][self._index]
        yield record, out
        self.send(out)

    def seen(self) -> np.ndarray[Any, Any]:
        """Return a copy of what a compiled policy would see now: one row of dtype VIEW."""
        return np.array([self._record])

    def own_row(self) -> np.ndarray[Any, Any]:
        """Return the trader's row of the world, dtype AGENT: its keys, parameters and `state`, to read and write."""
        row: np.ndarray[Any, Any] = self._agents[self._index : self._index + 1]
        return row

    def send(self, out: Any) -> None:
        """Send the messages that compiled functions of a policy have put into a record of dtype OUT.

        Raises:
            RunError: if there were more than fit into one decision.
        """
        if out["overflow"]:
            raise RunError(f"more than {MAX_OUT} messages in one decision")
        for k in range(int(out["n"])):
            self._post(*(int(out[name][k]) for name in _OUT_COLUMNS))
            if has_details(int(out["kind"][k]), int(out["time_in_force"][k]), int(out["flags"][k])):
                detail(self._world, *(int(out[name][k]) for name in DETAIL_FIELDS))

    def _post(
        self, kind: int, side: int, price: int, qty: int, order_id: int, tif: int, flags: int, parent: int, leg: int = 0
    ) -> None:
        # Plain integers: Numba's dispatcher takes 20 us to find the type of an enum member.
        status = post(
            self._world, self._index, self._count, int(kind), side, _int64("price_ticks", price),
            _int64("qty_lots", qty), _int64("order_id", order_id), int(tif), flags, _int64("parent_id", parent), leg,
            self._delay_ns,
        )  # fmt: skip
        self._count += 1
        if status == STATUS_IN_FLIGHT_FULL:
            raise RunError("too many messages in flight; raise max_in_flight")

    def _finish(self, delay_s: float | None) -> None:
        if delay_s is None:
            return
        if not _is_number(delay_s) or math.isnan(delay_s):
            raise FieldError(f"on_wake returned {delay_s!r}; allowed: seconds until the next wake-up, None for none")
        if delay_s > 0:
            # Later than any close is never.
            set_python_timer(self._world, self._index, max(1, round(min(float(delay_s) * 1e9, float(LAST_NS)))))


_SIGNAL, _OWN, _DEPTH = int(Needs.SIGNAL), int(Needs.OWN | Needs.QUEUE), int(Needs.DEPTH)
_OUT_COLUMNS = tuple(name for name in OUT.names or () if name not in ("n", "overflow", *DETAIL_FIELDS))


def _int64(name: str, value: Any) -> int:
    """Return a whole number, brought into 64 bits: what is beyond is beyond any message, and refused as such."""
    return max(-INT64, min(whole(name, value), INT64))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
