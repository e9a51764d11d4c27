"""The Python traders of a market: woken one by one, asked together, blamed by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lob.blocks import header_of, record_address
from lob.errors import FieldError, OutcryError, RunError
from sim.bulletins import Bulletin
from sim.records import RUNTIME, VIEW
from sim.settings import Population
from sim.trader import Ask, Trader, TraderView
from sim.world import World

__all__ = ["PythonTraders", "make_traders"]


@dataclass(frozen=True)
class _Asked:
    """A trader that waits for an answer, and what its decision began with."""

    index: int
    ask: Ask
    seen: np.ndarray[Any, Any]
    draw_key: int
    n_sent: int


def make_traders(populations: Sequence[Population]) -> tuple[dict[int, Trader], list[Population]]:
    """Make the Python traders of populations, once each.

    Returns:
        The traders by agent id, and the populations, whose `trader` gives the one that is there: a world asks it what
        wakes it, and none is made only to be asked.
    """
    traders: dict[int, Trader] = {}
    made, first = [], 0
    for population in populations:
        if population.trader is not None:
            own = [population.trader(k) for k in range(population.count)]
            traders |= dict(enumerate(own, first))
            population = replace(population, trader=own.__getitem__)
        made.append(population)
        first += population.count
    return traders, made


class PythonTraders:
    """Traders by agent id, and those that wait for a panel's answer.

    Args:
        traders: by agent id, see make_traders.
        populations: of the market.
        world: of the market.
        runtime_block: where the kernel puts the view of whom it returns for.
    """

    def __init__(
        self,
        traders: dict[int, Trader],
        populations: Sequence[Population],
        world: World,
        runtime_block: np.ndarray[Any, np.dtype[np.uint8]],
    ) -> None:
        self.traders = traders
        self._bulletins: dict[int, tuple[Bulletin, ...]] = {}
        self._asked: list[_Asked] = []
        first = 0
        for population in populations:
            if population.trader is not None:
                heard = tuple(sorted(population.bulletins, key=lambda bulletin: bulletin.time_ns))
                self._bulletins |= dict.fromkeys(range(first, first + population.count), heard)
            first += population.count
        self._header, self._agents = world.header, world.agents
        view_at = int(header_of(runtime_block, RUNTIME)["off_view"])
        view = header_of(runtime_block[view_at:], VIEW)
        self._view_bytes = runtime_block[view_at : view_at + VIEW.itemsize]
        self._view = TraderView(record_address(world.block), view, self._agents, self._bulletins)

    @property
    def n_asking(self) -> int:
        """Traders that wait for an answer: nothing later than this instant may happen before they have it."""
        return len(self._asked)

    def wake(self) -> None:
        """Wake the trader that the kernel returned for.

        Raises:
            RunError: if it fails.
        """
        index = int(self._header["wake_agent"])
        trader = self.traders[index]
        view = self._view
        view._begin(index, trader.needs)
        try:
            wanted = trader.on_wake(view)
            if isinstance(wanted, Ask):
                key = int(self._agents["draw_key"][index])
                self._asked.append(_Asked(index, wanted, self._view_bytes.copy(), key, view._count))
            else:
                view._finish(wanted)
        except FieldError as error:
            raise self._blamed(trader, index, error) from error
        except OutcryError:
            raise
        except Exception as error:
            raise self._blamed(trader, index, error) from error

    def answer(self) -> None:
        """Give every panel its questions, and every trader its answer with the view that it asked with.

        Raises:
            RunError: if a panel or a trader fails.
        """
        asked, self._asked = self._asked, []
        answers = self._answers(asked)
        view = self._view
        for k, entry in enumerate(asked):
            trader = self.traders[entry.index]
            view._begin(entry.index, trader.needs)
            view._count = entry.n_sent
            self._view_bytes[:] = entry.seen
            # Another wake-up of the same instant may have begun since, with draws of its own.
            self._agents["draw_key"][entry.index] = entry.draw_key
            try:
                view._finish(trader.on_answer(view, answers[k]))
            except FieldError as error:
                raise self._blamed(trader, entry.index, error) from error
            except OutcryError:
                raise
            except Exception as error:
                raise self._blamed(trader, entry.index, error) from error

    def forget_questions(self) -> None:
        """Drop what was asked and cannot be answered any more."""
        self._asked = []

    def _answers(self, asked: Sequence[_Asked]) -> dict[int, Any]:
        time_ns = int(self._header["time_ns"])
        panels = {id(entry.ask.panel): entry.ask.panel for entry in asked}
        answers: dict[int, Any] = {}
        for identity, panel in panels.items():
            own = [k for k, entry in enumerate(asked) if id(entry.ask.panel) == identity]
            try:
                given = list(panel.answer([asked[k].ask.question for k in own]))
            except OutcryError:
                raise
            except Exception as error:
                raise RunError(f"panel {type(panel).__name__} failed at {time_ns} ns: {error!r}") from error
            if len(given) != len(own):
                raise RunError(f"panel {type(panel).__name__} gave {len(given)} answers to {len(own)} questions")
            answers.update(zip(own, given, strict=True))
        return answers

    def _blamed(self, trader: Trader, index: int, error: Exception) -> RunError:
        time_ns = int(self._header["time_ns"])
        return RunError(f"trader {type(trader).__name__} (agent {index}) failed at {time_ns} ns: {error!r}")
