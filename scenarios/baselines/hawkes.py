"""The multivariate exponential Hawkes flow fitted by maximum likelihood (Ogata 1978; Ozaki 1979 for the exponential).

Six types of event, those of agents/background/hawkes.py: a market order is all executions of one time and sign; partial
cancels are left out, since the policy withdraws whole orders. With lambda_i(t) = mu_i + sum_j alpha_ij R_ij(t),
R_ij(t) = sum over past events of type j of exp(-beta_i (t - t_k)), the log-likelihood is a sum over the types i,

    sum_k log lambda_i(t_k) - mu_i T - sum_j (alpha_ij / beta_i) sum_k (1 - exp(-beta_i (T - t_k))),

each concave in (mu_i, alpha_i.) at a given beta_i: L-BFGS-B inside, a search over log beta_i outside. Events with the
same time stamp excite each other in the order of the file. If the largest eigenvalue of alpha / beta comes out above
MAX_RADIUS, all of alpha is scaled down to it and mu set to keep the mean rates; `figures` says so.

What a Hawkes process says nothing about is fitted beside it: a lognormal law of sizes and a geometric law of
improvements (censored at the room there is) in closed form. The policy withdraws a uniformly chosen order of a side and
keeps at most `max_orders` of them (here the recorded mean depth, at least the 30 that the policy needs), so that the
recorded share of improving orders and their recorded depth would let a spread of many ticks close to one or two. These
two are therefore calibrated by simulation, on a grid of multiples of their recorded values, to the mean spread and the
mean distance of limit orders from the midpoint. Prices are the stock's own ticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from agents.background.hawkes import TYPES, Hawkes, policy
from lob.units import SECOND_NS
from scenarios.baselines._fitted import Baseline, Fitted, check_flow, market_of
from scenarios.baselines._profile import distance_profile, median_spread_ticks
from sim.metrics.flow import FlowKind, OrderFlow, visible_flow_of_tape
from sim.metrics.moments import market_orders

__all__ = ["BASELINE", "HawkesFit", "events_of", "fit", "fit_process"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
N = len(TYPES)
DECAYS = np.geomspace(0.1, 3000.0, 11)
REFINE_STEPS = 8
MAX_RADIUS = 0.98
MIN_ORDERS = 30
DEPTH_FACTORS, INSIDE_FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0), (1.0, 0.5, 0.25, 0.1)
CALIBRATION_S = 900


@dataclass(frozen=True)
class HawkesFit:
    """The maximum of the likelihood.

    Attributes:
        base_rates: mu, shape (n,), events a second.
        excitation: alpha, shape (n, n), per second.
        decay: beta, shape (n,), per second.
        log_likelihood: at the maximum.
    """

    base_rates: Floats
    excitation: Floats
    decay: Floats
    log_likelihood: float

    @property
    def radius(self) -> float:
        """Largest eigenvalue of alpha / beta; the process is stationary below 1."""
        return float(np.abs(np.linalg.eigvals(self.excitation / self.decay[:, None])).max())


def events_of(flow: OrderFlow) -> tuple[Floats, Ints]:
    """Return times in s after the first event and types, in TYPES, of what happened to the book."""
    types = np.full(len(flow), -1)
    orders, signs = market_orders(flow)
    types[orders] = np.where(signs > 0, 0, 1)
    for kind, first in ((FlowKind.SUBMIT, 2), (FlowKind.DELETE, 4)):
        at = flow.kind == kind
        types[at] = np.where(flow.side[at] > 0, first, first + 1)
    kept = types >= 0
    return (flow.time_ns[kept] - flow.time_ns[0]) / 1e9, types[kept]


def excitations(times: Floats, types: Ints, decay: float, n_types: int) -> Floats:
    """Return R_j before each event, shape (n, n_types), by Ogata's recursion."""
    falls = np.exp(-decay * np.diff(times, prepend=times[:1]))
    found, state = np.empty((len(times), n_types)), np.zeros(n_types)
    for k, (fall, kind) in enumerate(zip(falls.tolist(), types.tolist(), strict=True)):
        state *= fall
        found[k] = state
        state[kind] += 1.0
    return found


def fit_row(past: Floats, compensators: Floats, total_s: float) -> tuple[float, Floats]:
    """Maximise one type's likelihood at a given decay.

    Args:
        past: R at the events of this type, shape (n, n_types).
        compensators: integral of R over the whole time, shape (n_types,).
        total_s: length of the recording.

    Returns:
        The maximum, and mu followed by alpha, shape (1 + n_types,).
    """
    # Scaled so that all variables are shares of the type's events.
    integrals = np.concatenate([[total_s], compensators])
    used = integrals > 0
    features = np.column_stack([np.ones(len(past)), past])[:, used]
    scale = len(past) / integrals[used]

    def loss(x: Floats) -> tuple[float, Floats]:
        intensity = features @ (scale * x)
        value = np.log(intensity).sum() - len(past) * x.sum()
        slope = scale * (features.T @ (1.0 / intensity)) - len(past)
        return -value / len(past), -slope / len(past)

    start = np.full(int(used.sum()), 0.5 / used.sum())
    # mu stays above 0, so that every event has an intensity.
    bounds = [(1e-6, None)] + [(0.0, None)] * (len(start) - 1)
    best = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    found = np.zeros(len(integrals))
    found[used] = scale * best.x
    return -float(best.fun) * len(past), found


def fit_process(times: Floats, types: Ints, total_s: float, n_types: int = N) -> HawkesFit:
    """Maximise the likelihood of events in [0, total_s].

    Args:
        times: in s, ascending, shape (n,).
        types: 0 .. n_types - 1, shape (n,); each must occur.
        total_s: length of the recording.
        n_types: number of types.
    """
    rows: list[tuple[float, float, Floats]] = [(-np.inf, 0.0, np.zeros(1 + n_types))] * n_types

    def try_decay(decay: float, wanted: list[int]) -> list[float]:
        past = excitations(times, types, decay, n_types)
        left = (1.0 - np.exp(-decay * (total_s - times))) / decay
        compensators = np.bincount(types, left, n_types).astype(np.float64)
        values = []
        for i in wanted:
            value, found = fit_row(past[types == i], compensators, total_s)
            values.append(value)
            if value > rows[i][0]:
                rows[i] = (value, decay, found)
        return values

    table = np.array([try_decay(float(decay), list(range(n_types))) for decay in DECAYS])
    for i in range(n_types):
        best = int(table[:, i].argmax())
        low, high = (float(np.log(DECAYS[min(max(best + s, 0), len(DECAYS) - 1)])) for s in (-1, 1))
        optimize.minimize_scalar(
            lambda log_decay, i=i: -try_decay(float(np.exp(log_decay)), [i])[0],
            bounds=(low, high), method="bounded", options={"maxiter": REFINE_STEPS},
        )  # fmt: skip
    found = np.array([row[2] for row in rows])
    decay = np.array([row[1] for row in rows])
    return HawkesFit(found[:, 0], found[:, 1:], decay, float(sum(row[0] for row in rows)))


def _stable(found: HawkesFit, rates: Floats) -> HawkesFit:
    """Scale the excitation down to MAX_RADIUS where it is above, with base rates that keep the mean rates."""
    if found.radius <= MAX_RADIUS:
        return found
    jumps = found.excitation * (MAX_RADIUS / found.radius)
    base = (np.eye(len(rates)) - jumps / found.decay[:, None]) @ rates
    return HawkesFit(np.maximum(base, 0.0), jumps, found.decay, found.log_likelihood)


def _placement(flow: OrderFlow) -> dict[str, float]:
    """Laws of the prices and sizes of limit orders, each at its maximum of likelihood."""
    at = np.flatnonzero(flow.kind == FlowKind.SUBMIT)
    at = at[at > 0]
    bid, ask, side = flow.bid_ticks[at - 1], flow.ask_ticks[at - 1], flow.side[at]
    price, room = flow.price_ticks[at], ask - bid - 1
    gain = np.where(side > 0, price - bid, ask - price)
    known = np.isfinite(room)
    inside, behind = known & (gain > 0), known & (gain <= 0)
    # Censored geometric law: failures over successes, where the last place has no success to show.
    steps, hits = float((gain[inside] - 1).sum()), int((gain[inside] < room[inside]).sum())
    log_size = np.log(flow.size_lots[flow.kind == FlowKind.SUBMIT].astype(np.float64))
    possible = max(1, int((known & (room > 0)).sum()))
    return {
        "inside_share": min(1.0, float(inside.sum()) / possible),
        "inside_mean_ticks": 1.0 + steps / max(1, hits),
        "mean_depth_ticks": float(-gain[behind].mean()) if behind.any() else 0.0,
        "size_lots": float(np.exp(log_size.mean())),
        "size_sigma": float(log_size.std()),
    }


def _scales(flow: OrderFlow) -> Floats:
    """Mean spread and mean distance of limit orders from the midpoint before, in log ticks."""
    at = np.flatnonzero(flow.kind == FlowKind.SUBMIT)
    at = at[at > 0]
    distance = flow.side[at] * (flow.mid_ticks[at - 1] - flow.price_ticks[at])
    return np.log([max(float(np.nanmean(x)), 0.1) for x in (flow.ask_ticks - flow.bid_ticks, distance)])


def _calibrated(settings: Hawkes, flow: OrderFlow, name: str) -> tuple[Hawkes, dict[str, float]]:
    """Choose mean_depth_ticks and inside_share on the grid."""
    assert flow.book is not None
    wanted, levels = _scales(flow), flow.book.shape[1]
    mids = flow.mid_ticks[np.isfinite(flow.mid_ticks)]
    open_ns = int(flow.time_ns[0])
    found = []
    for deeper in DEPTH_FACTORS:
        for fewer in INSIDE_FACTORS:
            depth, share = deeper * settings.mean_depth_ticks, fewer * settings.inside_share
            tried = settings.model_copy(update={"mean_depth_ticks": depth, "inside_share": share})
            market = market_of(name, policy, tried, 1, open_ns, open_ns + CALIBRATION_S * SECOND_NS, round(mids[0]))
            market.run()
            mine = _scales(visible_flow_of_tape(market.tape, levels))
            found.append((float(((mine - wanted) ** 2).sum()), depth, share, *np.exp(mine).tolist()))
    _, depth, share, spread, distance = min(found)
    figures = {
        "inside_share_recorded": settings.inside_share, "mean_depth_ticks_recorded": settings.mean_depth_ticks,
        "mean_spread_ticks": float(np.exp(wanted[0])), "mean_spread_ticks_fit": spread,
        "mean_distance_ticks": float(np.exp(wanted[1])), "mean_distance_ticks_fit": distance,
    }  # fmt: skip
    return settings.model_copy(update={"mean_depth_ticks": depth, "inside_share": share}), figures


def fit(flow: OrderFlow, name: str) -> Fitted:
    """Fit the model to a flow with its book.

    Raises:
        InputError: if the flow has no book or too few events.
    """
    flow = check_flow(flow, name)
    times, types = events_of(flow)
    total_s = float(flow.time_ns[-1] - flow.time_ns[0]) / 1e9
    found = fit_process(times, types, total_s)
    used = _stable(found, np.bincount(types, minlength=N) / total_s)
    settings = Hawkes.model_validate(
        {
            "base_rates": tuple(used.base_rates.tolist()),
            "excitation": tuple(map(tuple, used.excitation.tolist())),
            "decay": tuple(used.decay.tolist()),
            "max_orders": max(MIN_ORDERS, round(distance_profile(flow).mean_orders)),
            "first_spread_ticks": median_spread_ticks(flow),
            **_placement(flow),
        }
    )
    figures = {
        "events": float(len(times)), "log_likelihood": found.log_likelihood, "radius": found.radius,
        "radius_used": used.radius,
    }  # fmt: skip
    settings, more = _calibrated(settings, flow, name)
    figures |= more
    return Fitted("hawkes", name, policy, settings, figures)


BASELINE = Baseline("multivariate exponential Hawkes", "Ogata 1978; Bacry and Muzy 2014", fit)
