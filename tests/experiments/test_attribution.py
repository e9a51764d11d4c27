"""Attribution: Shapley's axioms, exact against brute force over orders, sampled against exact, and real markets."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lob.errors import InputError, RunError
from scenarios.build.market import build
from scenarios.experiments.attribution import _ablated
from scenarios.experiments.shapley import exact_shapley, orders_of, sampled_shapley, steps_of
from scenarios.schema.load import find_scenario, library, read_tables, source_of
from tests.scenarios.texts import SMALL, written
from tests.studies import attribute

Game = dict[frozenset[int], float]
MARKET = SMALL.replace("count = 50", "count = 30") + (
    '\n[[population]]\nname = "momentum"\nkind = "momentum"\ncount = 5\n'
    "settings = { interval_s = 5.0, size_lots = 30.0 }\n"
    '\n[[population]]\nname = "maker"\nkind = "market_maker"\ncount = 1\n'
    '\n[[event]]\nkind = "kill"\nat = 09:35:00\npopulation = "maker"\n'
)


def game(n: int, worth: list[float]) -> Game:
    subsets = [frozenset(s) for k in range(n + 1) for s in itertools.combinations(range(n), k)]
    return dict(zip(subsets, worth, strict=False))


def over_all_orders(value: Game, n: int) -> np.ndarray:
    total = np.zeros(n)
    for order in itertools.permutations(range(n)):
        for k, player in enumerate(order):
            total[player] += value[frozenset(order[: k + 1])] - value[frozenset(order[:k])]
    return total / math.factorial(n)


games = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.floats(-100, 100), min_size=2**n, max_size=2**n).map(lambda w: (n, game(n, w)))
)


@given(games)
@settings(deadline=None, max_examples=60)
def test_the_weights_of_subsets_give_the_mean_over_all_orders(found: tuple[int, Game]) -> None:
    n, value = found
    exact = exact_shapley(value, n)
    assert exact == pytest.approx(over_all_orders(value, n), abs=1e-9)
    assert exact.sum() == pytest.approx(value[frozenset(range(n))] - value[frozenset()], abs=1e-9)
    every = list(itertools.permutations(range(n)))
    assert sampled_shapley(value, n, every) == pytest.approx(exact, abs=1e-9)


def test_a_player_who_changes_nothing_gets_nothing_and_equal_players_get_the_same() -> None:
    value = {
        frozenset(s): float(len(set(s) & {0, 1}) ** 2) for k in range(4) for s in itertools.combinations(range(3), k)
    }
    found = exact_shapley(value, 3)
    assert found[2] == 0.0
    assert found[0] == found[1] == 2.0


def test_sampled_orders_come_with_their_reverse_differ_by_seed_and_are_unbiased() -> None:
    assert orders_of(10, 3, 1) == orders_of(10, 3, 1) != orders_of(10, 3, 2)
    orders = orders_of(10, 4, 7)
    assert len(orders) == 8 and all(a[::-1] == b for a, b in itertools.pairwise(orders) if orders.index(a) % 2 == 0)
    assert steps_of((2, 0)) == [frozenset(), frozenset({2}), frozenset({2, 0})]
    generator = np.random.default_rng(3)
    n = 6
    value = game(n, generator.normal(size=2**n).tolist())
    exact = exact_shapley(value, n)
    means = np.array([sampled_shapley(value, n, orders_of(n, 4, seed)) for seed in range(400)])
    errors = means.std(axis=0, ddof=1) / 20
    assert (np.abs(means.mean(axis=0) - exact) < 4 * errors).all()
    assert means.sum(axis=1) == pytest.approx(value[frozenset(range(n))] - value[frozenset()])


def test_shares_of_a_market_add_up_in_every_world_and_do_not_depend_on_the_executor(tmp_path: Path) -> None:
    path = written(tmp_path, MARKET)
    one, two = (
        attribute(path, "n_messages", seeds=range(1, 7), executor=name, workers=2) for name in ("serial", "process")
    )
    assert one.per_seed.tobytes() == two.per_seed.tobytes() and one.table.equals(two.table)
    assert one.exact and one.n_runs == 8 * 6
    assert one.per_seed.sum(axis=1).mean() == pytest.approx(one.all - one.none)
    assert one.table["value"].sum() == pytest.approx(one.total[0])
    assert one.none == 0.0
    # Messages of random traders do not depend on anybody else being there.
    zero = one.table.filter(one.table["group"] == "zero").row(0, named=True)
    assert zero["value"] > 0 and zero["low"] <= zero["value"] <= zero["high"]


def test_those_who_are_always_there_get_no_share_and_groups_count_as_one(tmp_path: Path) -> None:
    path = written(tmp_path, MARKET)
    found = attribute(
        path, "mean_spread", seeds=[1, 2, 3], groups={"others": ["momentum", "maker"]}, always=["zero"],
    )  # fmt: skip
    assert found.table["group"].to_list() == ["others"] and found.n_runs == 6
    assert found.total[0] == pytest.approx(found.table["value"][0])
    with pytest.raises(RunError, match=r"mean_spread is not defined in a market with .* only.* with always"):
        attribute(path, "mean_spread", seeds=[1, 2])


def test_more_than_eight_groups_are_sampled_and_still_add_up(tmp_path: Path) -> None:
    rows = "".join(
        f'\n[[population]]\nname = "p{k}"\nkind = "zero_intelligence"\ncount = {3 + k}\n'
        "settings = { interval_s = 5.0 }\n"
        for k in range(9)
    )
    path = written(tmp_path, SMALL.split("[[population]]")[0].replace("09:40", "09:32") + rows)
    found = attribute(path, "volume", seeds=[1, 2, 3], n_orders=2)
    assert not found.exact and len(found.groups) == 9
    assert found.per_seed.sum(axis=1).mean() == pytest.approx(found.all - found.none)


def test_a_study_leaves_its_table_and_picture_and_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path, MARKET)
    first = attribute(path, "max_drawdown", seeds=[1, 2], out=tmp_path / "out")
    more = attribute(path, "max_drawdown", seeds=[1, 2, 3], out=tmp_path / "out", resume=True)
    assert more.per_seed[:2].tolist() == first.per_seed.tolist()
    assert {"attribution.parquet", "attribution.png", "manifest.json", "results"} <= {
        p.name for p in (tmp_path / "out").iterdir()
    }


@pytest.mark.parametrize("name", sorted(library()))
def test_every_population_and_trader_of_every_shipped_scenario_can_be_left_out(name: str) -> None:
    path = find_scenario(name)
    tables = read_tables(path)
    groups = [group.name for group in build(source_of(tables, path)).populations]
    members = {group: (group,) for group in groups}
    everyone = frozenset(range(len(groups)))
    for present in [frozenset[int](), *(everyone - {k} for k in everyone)]:
        left = build(source_of(_ablated(tables, members, present), path))
        assert {group.name for group in left.populations} == {groups[k] for k in present}


def test_a_text_is_still_published_when_those_who_hear_it_early_are_not_there() -> None:
    path = find_scenario("rumour")
    tables = read_tables(path)
    kept = _ablated(tables, {"investors": ("investors",)}, frozenset())
    assert [row["name"] for row in kept["event"]] == [row["name"] for row in tables["event"]]
    assert kept["event"][0]["heard_by"] == []
    assert tables["event"][0]["heard_by"] != []


@pytest.mark.parametrize(
    ("outcome", "more", "words"),
    [
        ("drawdown", {}, "did you mean max_drawdown?"),
        ("volume", {"always": ["nobody"]}, "no such population"),
        ("volume", {"groups": {"a": ["nobody"]}}, "no population nobody"),
        ("volume", {"groups": {"a": ["zero"], "b": ["zero"]}}, "named twice"),
        ("volume", {"always": ["zero", "momentum", "maker"]}, "none left"),
        ("volume", {"seeds": [1]}, "at least two"),
        ("volume", {"seeds": [1, 1]}, "none twice"),
        ("volume", {"seeds": [1, 2**63]}, "0 to 2^63 - 1"),
        ("volume", {"seeds": range(10**12)}, "allowed: at most 1,000,000"),
        ("volume", {"n_orders": 0}, "n_orders = 0; allowed: 1 to"),
        ("volume", {"n_orders": 10**12}, "n_orders"),
        ("volume", {"confidence": float("nan")}, "confidence = nan"),
        ("volume", {"confidence": 1.0}, "below 1"),
        ("volume", {"symbol": "XYZ"}, "allowed: ABC"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, outcome: str, more: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as error:
        attribute(written(tmp_path, MARKET), outcome, **more)  # type: ignore[arg-type]
    assert words in str(error.value) and "\n" not in str(error.value)
