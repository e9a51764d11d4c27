"""outcry impact, sweep and attribute: what they print and leave, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.cli.test_commands import one_line, outcry
from tests.scenarios.texts import written

IMPACT = ("impact", "small.toml", "--start", "09:31:00", "--horizon", "2m", "--executor", "serial")


def test_impact_leaves_tables_a_picture_and_one_self_contained_page(tmp_path: Path) -> None:
    written(tmp_path)
    out, _ = outcry(
        tmp_path, *IMPACT, "--participation", "0.05,0.2", "--pairs", "6", "--arms", "treated,placebo,mirrored",
        "--algo", "pov", "--algo-set", "interval_s=2.0", "--out", "out",
    )  # fmt: skip
    for word in ("impact_end", "impact_end_unpaired", "paired_slippage", "exponent", "identical to the control's"):
        assert word in out
    assert out.splitlines()[-1] == "Picture: out/impact.png"
    folder = tmp_path / "out"
    estimates, paths = (pl.read_parquet(folder / f"{name}.parquet") for name in ("estimates", "paths"))
    assert set(estimates["arm"]) == {"treated", "mirrored"}
    assert {"impact", "cost", "quality", "profit", "scaling"} <= set(estimates["group"])
    assert set(paths["level"]) == {1, 2} and (folder / "impact.png").read_bytes()[:4] == b"\x89PNG"
    html = (folder / "report.html").read_text()
    assert "data:image/png;base64," in html and "http" not in html.replace("http-equiv", "")
    again, _ = outcry(
        tmp_path, *IMPACT, "--participation", "0.05,0.2", "--pairs", "6", "--arms", "treated,placebo,mirrored",
        "--algo", "pov", "--algo-set", "interval_s=2.0", "--out", "out", "--resume",
    )  # fmt: skip
    assert again == out


def test_impact_of_a_fragment_needs_no_quantity(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "halt.toml").write_text('[[event]]\nkind = "halt"\nat = 09:32:00\nuntil = 09:33:00\n')
    out, _ = outcry(tmp_path, *IMPACT, "--treatment", "halt.toml", "--pairs", "4")
    assert "impact_end" in out and "slippage" not in out
    estimates = pl.read_parquet(tmp_path / "runs/small-impact/estimates.parquet")
    volume = estimates.filter(pl.col("estimate") == "volume_lots").row(0, named=True)
    assert volume["value"] < 0


def test_impact_prints_its_window_the_same_for_a_fragment_as_from_python(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "fewer.toml").write_text('[[population]]\nname = "zero"\ncount = 40\n')
    out, _ = outcry(
        tmp_path, "impact", "small.toml", "--treatment", "fewer.toml", "--pairs", "2", "--executor", "serial"
    )
    assert "\nTreatment from 09:30:00 to 09:35:00, watched until 09:40:00\n" in out
    out, _ = outcry(tmp_path, *IMPACT, "--quantity", "50", "--pairs", "2", "--out", "other")
    assert "\nTreatment from 09:31:00 to 09:33:00, watched until 09:35:00\n" in out


def test_what_is_not_paired_stands_behind_what_is(tmp_path: Path) -> None:
    written(tmp_path)
    out, _ = outcry(tmp_path, *IMPACT, "--quantity", "50", "--pairs", "4", "--confidence", "0.999", "--out", "out")
    names = [line.split("  ")[0] for line in out.splitlines()]
    assert names.index("paired_slippage [bps]") < names.index("arrival_slippage (not paired) [bps]")
    assert names.index("impact_end [bps]") < names.index("impact_end_unpaired [bps]")
    assert "99.9% intervals" in out
    html = (tmp_path / "out" / "report.html").read_text()
    for name in ("impact_end_unpaired", "arrival_slippage_bps", "opportunity_cost_bps", "shortfall_bps"):
        assert f'<tr class="grey"><td>{name}' in html
    assert html.index("<td>paired_slippage_bps") < html.index("<td>arrival_slippage_bps")
    assert '<tr class="grey"><td>paired_slippage_bps' not in html


def test_a_stopping_rule_ends_early_and_says_so(tmp_path: Path) -> None:
    written(tmp_path)
    out, _ = outcry(tmp_path, *IMPACT, "--quantity", "50", "--pairs", "200", "--stop", "impact_end:1000")
    assert "Stopped after 40 pairs: impact_end" in out


def test_sweep_prints_means_and_paired_differences(tmp_path: Path) -> None:
    written(tmp_path)
    out, _ = outcry(
        tmp_path, "sweep", "small.toml", "--grid", "population.zero.count=20,40", "--seeds", "1..4",
        "--outcome", "volume", "--executor", "serial", "--out", "out",
    )  # fmt: skip
    assert "volume [lots]" in out and "zero.count=40" in out and "8 runs" in out
    assert len(pl.read_parquet(tmp_path / "out/runs.parquet")) == 8
    assert (tmp_path / "out/sweep.png").exists()


def test_attribute_prints_shares_that_add_up(tmp_path: Path) -> None:
    written(tmp_path)
    out, _ = outcry(
        tmp_path, "attribute", "small.toml", "--outcome", "max_drawdown", "--seeds", "1..3", "--executor", "serial"
    )
    assert "Shapley value" in out and "100%" in out
    assert (tmp_path / "runs/small-attribution/attribution.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*IMPACT,), "give either --quantity or --participation"),
        ((*IMPACT, "--quantity", "5", "--participation", "0.1"), "give either"),
        ((*IMPACT, "--participation", "0.1,x"), "numbers with commas"),
        ((*IMPACT, "--participation", "1.5"), "above 0 and below 1"),
        ((*IMPACT, "--quantity", "5", "--algo", "twpa"), "algo = 'twpa'"),
        ((*IMPACT, "--quantity", "5", "--side", "long"), "allowed: buy, sell"),
        ((*IMPACT, "--quantity", "5", "--algo-set", "n_slices=0"), "n_slices"),
        ((*IMPACT, "--quantity", "5", "--stop", "impact_end"), "NAME:WIDTH"),
        ((*IMPACT, "--quantity", "5", "--stop", "impact:1"), "allowed: impact_half"),
        ((*IMPACT, "--quantity", "5", "--arms", "treated,sham"), "'sham'"),
        ((*IMPACT, "--quantity", "5", "--branch", "09:45"), "not after the treatment's start"),
        ((*IMPACT, "--quantity", "5", "--executor", "cluster"), "process, ray, serial"),
        (("impact", "small.toml", "--quantity", "5", "--horizon", "3 days"), "not a duration"),
        (("impact", "small.toml", "--quantity", "5", "--horizon", "30m"), "an end before the close"),
        (("sweep", "small.toml", "--grid", "population.zero.count"), "a.b=1,2,3"),
        (("impact", "small.toml", "--quantity", "5", "--horizon", "9" * 400), "longer than a day"),
        ((*IMPACT, "--quantity", "5", "--stop", "impact_end:nan"), "half_width = nan"),
        ((*IMPACT, "--quantity", "5", "--stop", "impact_end:inf"), "half_width = inf"),
        ((*IMPACT, "--quantity", "5", "--pairs", "1000000000000"), "at most 1,000,000"),
        ((*IMPACT, "--quantity", "5", "--confidence", "nan"), "confidence = nan"),
        ((*IMPACT, "--quantity", "5", "--seed", str(2**63)), "first_seed"),
        ((*IMPACT, "--participation", "0.1,nan"), "numbers with commas"),
        ((*IMPACT, "--quantity", "5", "--algo-set", "quantity_lots=9"), "said by the metaorder itself"),
        ((*IMPACT, "--quantity", "5", "--algo-set", "n_slices=" + "9" * 5000), "NAME=VALUE"),
        (("sweep", "small.toml", "--seeds", "1..x"), "whole numbers and ranges"),
        (("sweep", "small.toml", "--seeds", "1..99999999999"), "more than 1,000,000 seeds"),
        (("sweep", "small.toml", "--seeds", "9" * 5000), "below 2^63"),
        (("sweep", "small.toml", "--seeds", str(2**63)), "2^63 - 1"),
        (("sweep", "small.toml", "--seeds", "5..1"), "empty range"),
        (("sweep", "small.toml", "--seeds", "\u0661..\u0663"), "whole numbers and ranges"),
        (("sweep", "small.toml", "--confidence", "nan"), "confidence = nan"),
        (("sweep", "small.toml", "--grid", "population.zero.count=" + "9" * 5000), "numbers that fit a file"),
        (("sweep", "small.toml", "--grid", "seed=1", "--grid", "seed=2"), "given twice"),
        (("attribute", "small.toml", "--outcome", "volume", "--confidence", "nan"), "confidence = nan"),
        (("attribute", "small.toml", "--outcome", "volume", "--seeds", "1..99999999999"), "more than 1,000,000 seeds"),
        (("sweep", "small.toml", "--outcome", "volumen"), "did you mean volume?"),
        (("attribute", "small.toml", "--outcome", "volume", "--group", "zero"), "NAME=A,B"),
    ],
)
def test_bad_input_ends_in_one_line_and_status_2(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    written(tmp_path)
    _, error = outcry(tmp_path, *arguments, status=2)
    assert words in one_line(error)
    assert not (tmp_path / "runs").exists()
