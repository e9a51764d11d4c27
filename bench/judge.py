"""Who can tell the learned flow and its rivals from the recorded one? The judge's questions to every contestant.

All are fitted to (or trained on) 09:30 to 14:00 of a sample day and judged on the same hours, as the floors are: what
tells a flow from the very hours it has learned is its own doing, not the market's that has changed. Beside it the
learned flow on 14:00 to 15:00, by which its settings were chosen. The last hour is not looked at here.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from agents.flow.closed_loop import rollout
from agents.flow.weights import SHIPPED, FlowWeights
from bench.realism import STOCKS, fitted_session
from bench.replay import data_folder
from lob.units import HOUR_NS
from scenarios.baselines import BASELINES
from scenarios.data.flows import read_flows
from scenarios.realism.judge import Judgement, judge
from sim.metrics import OrderFlow

__all__ = ["run"]

TRAIN, CHOOSE = (9.5, 14.0), (14.0, 15.0)
SESSIONS, CHOOSE_SESSIONS = 2, 6
MOST_AUC = {100: 0.65, 500: 0.75}


def _learned_session(job: tuple[str, int, float, float]) -> OrderFlow:
    stock, seed, start, end = job
    weights = FlowWeights.load(SHIPPED)
    seconds = round((end - start) * 3600)
    index = weights.tokenizer.stock_index(stock)
    return rollout(weights, index, seed, int(start * HOUR_NS), seconds, STOCKS[stock][1]).visible()


def _learned(stock: str, hours: tuple[float, float], sessions: int) -> list[OrderFlow]:
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(_learned_session, [(stock, 900 + seed, *hours) for seed in range(1, sessions + 1)]))


def _fitted(name: str, stock: str, train: OrderFlow) -> list[OrderFlow]:
    return [fitted_session(BASELINES[name].fit(train, stock), stock, 901, *TRAIN).visible()]


def _say(stock: str, name: str, found: Judgement) -> None:
    areas = "  ".join(
        f"{row['judge']} {row['length']}: {row['auc']:.3f} ({row['low']:.3f}, {row['high']:.3f})"
        f" floor {row['floor']:.3f}"
        for row in found.apart.rows(named=True)
    )
    worst = found.giveaways.filter(found.giveaways["length"] == 100)["name"].to_list()[:3]
    print(f"{stock} {name:26} {areas}  first: {'; '.join(worst)}", flush=True)


def _say_more(found: Judgement) -> None:
    for row in found.giveaways.filter(found.giveaways["length"] == 100).rows(named=True)[:10]:
        print(
            f"    {row['name']:44} alone {row['auc']:.3f}  simulated {row['simulated']:8.3f}  real {row['real']:8.3f}"
        )
    for row in found.structure.rows(named=True):
        print(f"    {row['label']:74} {row['simulated']:8.3f}  real {row['real']:8.3f} "
              f"({row['low']:.3f}, {row['high']:.3f})")  # fmt: skip
    for row in found.proxies.rows(named=True):
        values = "  ".join(
            f"{name} {row[name]:.2f} ({row[f'{name}_low']:.2f}, {row[f'{name}_high']:.2f})"
            for name in ("exponent", "y", "late")
        )
        print(f"    proxies of {row['traders']} traders, {row['flow']:10} {values}")
    for row in found.returns.rows(named=True):
        print(f"    returns over {row['horizon_s']} s [bp]: {row['simulated']:.2f}, real {row['real']:.2f}; "
              f"the middle 80% hold {row['covered']:.1%}", flush=True)  # fmt: skip


def run() -> dict[str, Any]:
    """Return areas by stock, contestant and length; passes if the learned flow is within MOST_AUC on both stocks."""
    files = {stock: next(iter(data_folder().glob(f"LOBSTER_SampleFile_{stock}_*.zip")), None) for stock in STOCKS}
    if None in files.values():
        return {"note": f"no LOBSTER sample files in {data_folder()}; set OUTCRY_DATA", "pass": False}
    found: dict[str, Any] = {}
    good = True
    for stock, path in files.items():
        assert path is not None
        day = read_flows(path, None, "data").flow
        real, choose = (day.window(int(a * HOUR_NS), int(b * HOUR_NS)).visible() for a, b in (TRAIN, CHOOSE))
        makers: dict[str, tuple[OrderFlow, Callable[[], list[OrderFlow]]]] = {
            "learned": (real, partial(_learned, stock, TRAIN, SESSIONS)),
            "learned, 14:00 to 15:00": (choose, partial(_learned, stock, CHOOSE, CHOOSE_SESSIONS)),
        }
        makers |= {name: (real, partial(_fitted, name, stock, real)) for name in BASELINES}
        for name, (against, make) in makers.items():
            judged = judge(make(), against, network=name == "learned")
            _say(stock, name, judged)
            if name.startswith("learned"):
                _say_more(judged)
            found[f"{stock} {name}"] = {
                f"{row['judge']} {row['length']}": [round(row[key], 3) for key in ("auc", "low", "high", "floor")]
                for row in judged.apart.rows(named=True)
            }
            if name == "learned":
                good = good and all(judged.auc(length) <= most for length, most in MOST_AUC.items())
    return {**found, "pass": good}
