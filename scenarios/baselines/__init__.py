"""Order-flow models of the literature, fitted to a recorded flow: what a learned generator is compared with."""

from scenarios.baselines import cont_stoikov_talreja, hawkes, queue_reactive, replay, santa_fe
from scenarios.baselines._fitted import Baseline, Fitted

__all__ = ["BASELINES", "Baseline", "Fitted"]

BASELINES: dict[str, Baseline] = {
    "santa_fe": santa_fe.BASELINE,
    "cont_stoikov_talreja": cont_stoikov_talreja.BASELINE,
    "hawkes": hawkes.BASELINE,
    "queue_reactive": queue_reactive.BASELINE,
    "replay": replay.BASELINE,
}
"""Every baseline by name."""
