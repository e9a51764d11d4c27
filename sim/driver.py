"""`Driver`: a market run by a compiled loop of one's own, for whoever steps many markets in one call (agents.rl).

`sim.kernel.run_kernel` takes the addresses of the world and the runtime, which stand here, and returns when it cannot
go on; a loop in compiled code calls it again and again. What only Python can do between two calls is done here.
"""

from __future__ import annotations

from typing import Any

from lob.blocks import record_address
from sim.market import Market
from sim.records import Status

__all__ = ["Driver"]


class Driver:
    """Drives a market of which one population decides outside of the kernel.

    Attributes:
        market: it. Its own `run` is not to be called before `release`.
        close_ns: the end of its session.

    Args:
        market: not running.
        population: index of the population whose wake-ups come back to the loop.
        policy_address: of the function that the loop calls for them, see `lob.compiled.function_address`.
    """

    def __init__(self, market: Market, population: int, policy_address: int) -> None:
        self.market = market
        self.close_ns = market.session.close_ns
        self._row: Any = market.world.population_rows[population : population + 1]
        self._row["is_python"] = 1
        market.runtime["policy_address"][population] = policy_address

    @property
    def world_address(self) -> int:
        """Where the record WORLD lies, as `sim.records` describes it."""
        return record_address(self.market.world.block)

    @property
    def runtime_address(self) -> int:
        """Where the record RUNTIME lies."""
        return record_address(self.market.runtime_block)

    def wake_trader(self) -> int:
        """Wake the Python trader that the kernel returned for; return how many wait for an answer now.

        Raises:
            RunError: if it fails.
        """
        self.market.python_traders.wake()
        return self.market.python_traders.n_asking

    def answer(self) -> None:
        """Answer those that wait, once everything else of this instant has happened.

        Raises:
            RunError: if a panel or a trader fails.
        """
        self.market.python_traders.answer()

    def failure(self, status: Status) -> Exception:
        """Return the error to raise for a status with which a run cannot go on."""
        return self.market.failure(status)

    def release(self) -> None:
        """Let the population be decided for by the kernel again, so that the market's own `run` goes on."""
        self._row["is_python"] = 0
