"""Trading once in each of equal periods, at a random moment away from their ends."""

from __future__ import annotations

from typing import Any

from sim.policy import decision, uniform

__all__ = ["next_in_period_ns"]

MARGIN = 0.1
"""Nobody trades in the first and the last tenth of a period: makers quote there."""


@decision
def next_in_period_ns(view: Any, agent: Any, index: int, period_s: float) -> int:
    """Delay until a uniform moment within the next period, in ns (the first period when none has begun)."""
    period_ns = period_s * 1e9
    since_open = float(view.time_ns - view.open_ns)
    n_begun = 0 if since_open == 0.0 else int(since_open / period_ns) + 1
    moment = (n_begun + MARGIN + (1.0 - 2.0 * MARGIN) * uniform(agent, index)) * period_ns
    return max(1, int(moment - since_open))
