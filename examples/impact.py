"""Market impact with intervals: the same worlds with and without a metaorder."""

from agents import Metaorder
from scenarios.experiments import impact, plot, report

if __name__ == "__main__":
    order = Metaorder("buy", 1, algo="twap", start_s=5400, duration_s=1800)
    result = impact("rmsc", order, participation=(0.05, 0.1, 0.2), pairs=40, arms=("control", "treated", "placebo"))
    for level in (1, 2, 3):
        found = result.value("impact_end", level=level)
        print(f"{found['quantity_lots']} lots: {found['value']:.2f} ({found['low']:.2f}, {found['high']:.2f}) bps")
    print("exponent", result.value("exponent")["value"], "placebo identical", result.placebo_identical)
    plot(result, "impact.png")
    report(result, "impact.html")
