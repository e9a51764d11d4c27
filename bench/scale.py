"""What a run costs in time and memory as it grows: agents, messages, instruments, markets side by side.

Each point runs in a process of its own, so that its peak memory is its own. Times are CPU time a message; on the way
from thousands to millions of agents they grow from instructions to waiting for memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

__all__ = ["point", "run"]

AGENTS = (1_000, 10_000, 100_000, 1_000_000, 3_000_000)
MESSAGES = 2_000_000
MOST_MB_MORE = 40.0
"""Memory that ten times as many messages may take more, rows dropped."""


def _drop(rows: Any) -> None:
    """Take rows and forget them."""


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _agents(n_agents: int, n_messages: int) -> dict[str, float]:
    """A market of megapop's populations in their proportions."""
    from scenarios.build.market import build
    from scenarios.schema.load import load_scenario

    source = load_scenario("megapop")
    total = sum(group.count for group in source.scenario.population)
    changes = [
        f"population.{group.name}.count={max(1, round(group.count * n_agents / total))}"
        for group in source.scenario.population
    ] + [f"instrument.MEGA.max_orders={max(65_536, 8 * n_agents)}"]
    began, before = time.process_time(), _peak_mb()
    market = build(load_scenario("megapop", changes)).market(1)
    built_s = time.process_time() - began
    market.run(market.session.open_ns + 1, [_drop])
    first, began = market.n_messages, time.process_time()
    market.run(None, [_drop], should_stop=lambda: market.n_messages >= first + n_messages)
    spent = time.process_time() - began
    made = max(1, market.n_messages - first)
    return {
        "agents": len(market.world.agents),
        "build_s": round(built_s, 3),
        "ns_per_message": round(spent / made * 1e9),
        "messages": made,
        "peak_mb": round(_peak_mb()),
        "mb_more_than_imports": round(_peak_mb() - before, 1),
        "world_bytes_per_agent": round(len(market.world.block) / len(market.world.agents)),
    }


def _markets(n_markets: int) -> dict[str, float]:
    """Markets of rmsc with a learner each, side by side in one process."""
    import numpy as np

    from agents.rl.vector_env import MarketVectorEnv
    from scenarios.environments import MarketFactory

    settings = {"step_s": 1.0, "start_s": 60.0, "duration_s": 3600.0, "quantity_lots": 20_000}
    envs = MarketVectorEnv(MarketFactory("rmsc", "execution", settings), n_markets)
    before = _peak_mb()
    envs.reset(seed=1)
    actions = np.zeros(n_markets, np.int64)
    began, steps = time.process_time(), max(20, 20_000 // n_markets)
    for _ in range(steps):
        envs.step(actions)
    return {
        "markets": n_markets,
        "us_per_step": round((time.process_time() - began) / steps / n_markets * 1e6, 2),
        "mb_per_market": round((_peak_mb() - before) / n_markets, 2),
    }


def _instruments(n_instruments: int, n_messages: int) -> dict[str, float]:
    """A market of many instruments, 100 zero-intelligence agents on each; a market has at most 64 populations."""
    import tempfile
    from pathlib import Path

    from scenarios.build.market import build
    from scenarios.schema.load import load_scenario

    text = "[session]\nopen = 09:30:00\nclose = 16:00:00\n"
    for k in range(n_instruments):
        text += f'[[instrument]]\nname = "I{k}"\nreference_ticks = 10_000\n'
        text += f'[[population]]\nname = "p{k}"\nkind = "zero_intelligence"\ncount = 100\nsymbol = "I{k}"\n'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.toml"
        path.write_text(text)
        market = build(load_scenario(str(path))).market(1)
    market.run(market.session.open_ns + 1, [_drop])
    first, began = market.n_messages, time.process_time()
    market.run(None, [_drop], should_stop=lambda: market.n_messages >= first + n_messages)
    made = max(1, market.n_messages - first)
    return {
        "instruments": n_instruments,
        "ns_per_message": round((time.process_time() - began) / made * 1e9),
        "messages": made,
        "peak_mb": round(_peak_mb()),
    }


def point(what: str, *numbers: int) -> dict[str, float]:
    """Return one point, measured in a process of its own."""
    code = f"import json; from bench.scale import _{what}; print(json.dumps(_{what}{(*numbers,)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    print("  ".join(f"{name} {value:,}" for name, value in found.items()), flush=True)
    return found


def run() -> dict[str, Any]:
    """Return CPU time a message and peak memory at each size."""
    point("agents", 1_000, 1_000)  # whatever is compiled, before anything is measured
    by_agents = [point("agents", n, MESSAGES) for n in AGENTS]
    longer = point("agents", AGENTS[2], 10 * MESSAGES)
    by_instruments = [point("instruments", n, MESSAGES // 2) for n in (1, 10, 60)]
    by_markets = [point("markets", n) for n in (1, 8, 64)]
    figures: dict[str, Any] = {}
    for found in by_agents:
        figures[f"ns_per_message_{found['agents']}"] = found["ns_per_message"]
        figures[f"peak_mb_{found['agents']}"] = found["peak_mb"]
    for found in by_instruments:
        figures[f"ns_per_message_{found['instruments']}_instruments"] = found["ns_per_message"]
        figures[f"peak_mb_{found['instruments']}_instruments"] = found["peak_mb"]
    for found in by_markets:
        figures[f"mb_per_market_{found['markets']}"] = found["mb_per_market"]
        figures[f"us_per_step_{found['markets']}"] = found["us_per_step"]
    more = longer["peak_mb"] - by_agents[2]["peak_mb"]
    return {**figures, "mb_more_for_10_times_the_messages": round(more, 1), "pass": more <= MOST_MB_MORE}
