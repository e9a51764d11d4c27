"""A configuration hash is a promise about the program: own code, model files and what they import count."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from lob.errors import InputError
from scenarios.build import Variant, built_once
from scenarios.build.market import Built, build
from scenarios.schema.load import load_scenario
from tests.scenarios.texts import SMALL, written

TRADER = """
import json
import pickle
from HELPER import lots
from sim.trader import Trader

class Mine(Trader):
    files = ("table",)

    def __init__(self, table=""):
        self._lots = lots()

    def on_wake(self, view):
        view.limit("buy", 9000, self._lots)
"""


def scenario(folder: Path, module: str, settings: str = "{}") -> Built:
    text = SMALL + f'[[trader]]\nname = "t"\nkind = "{module}:Mine"\nsettings = {settings}\n'
    return build(load_scenario(str(written(folder, text))))


def lots_sent(parts: Built) -> int:
    trader = parts.group("t").population.trader
    assert trader is not None
    return int(trader(0)._lots)


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_an_edited_helper_runs_and_changes_the_hash(tmp_path: Path) -> None:
    write(tmp_path, "hashed_trader.py", TRADER.replace("HELPER", "hashed_helper"))
    write(tmp_path, "hashed_helper.py", "def lots():\n    return 3\n")
    first = scenario(tmp_path, "hashed_trader")
    again = scenario(tmp_path, "hashed_trader")
    assert first.content == again.content and lots_sent(again) == 3
    write(tmp_path, "hashed_helper.py", "def lots():\n    return 4\n")  # same second, same length
    edited = scenario(tmp_path, "hashed_trader")
    assert lots_sent(edited) == 4
    assert edited.content != first.content


def test_helpers_of_helpers_and_packages_beside_the_scenario_count(tmp_path: Path) -> None:
    write(tmp_path, "nested_trader.py", TRADER.replace("HELPER", "nested_parts.sizes"))
    write(tmp_path, "nested_parts/__init__.py", "")
    write(tmp_path, "nested_parts/sizes.py", "from .deep import NUMBER\ndef lots():\n    return NUMBER\n")
    write(tmp_path, "nested_parts/deep.py", "NUMBER = 5\n")
    first = scenario(tmp_path, "nested_trader")
    assert lots_sent(first) == 5
    write(tmp_path, "nested_parts/deep.py", "NUMBER = 6\n")
    edited = scenario(tmp_path, "nested_trader")
    assert lots_sent(edited) == 6 and edited.content != first.content
    write(tmp_path, "unrelated.py", "NUMBER = 7\n")
    assert scenario(tmp_path, "nested_trader").content == edited.content


def test_two_folders_may_have_helpers_of_one_name(tmp_path: Path) -> None:
    found = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, "same_trader.py", TRADER.replace("HELPER", "same_helper"))
        write(folder, "same_helper.py", f"def lots():\n    return {number}\n")
        found.append(scenario(folder, "same_trader"))
    assert [lots_sent(parts) for parts in found] == [1, 2]
    assert found[0].content != found[1].content
    assert lots_sent(scenario(tmp_path / "1", "same_trader")) == 1


def test_a_file_called_like_a_module_of_python_does_not_replace_it(tmp_path: Path) -> None:
    write(tmp_path, "json.py", "raise RuntimeError\n")
    write(tmp_path, "std_trader.py", TRADER.replace("HELPER", "std_helper"))
    write(tmp_path, "std_helper.py", "import json\ndef lots():\n    return json.loads('8')\n")
    assert lots_sent(scenario(tmp_path, "std_trader")) == 8
    import json as now

    assert now is json


def test_a_module_of_python_that_is_named_stays_the_one_that_others_hold(tmp_path: Path) -> None:
    import decimal as before

    with pytest.raises(InputError):
        scenario(tmp_path, "decimal")
    import decimal as now

    assert now is before


def test_a_file_that_a_trader_reads_counts_by_content_and_not_by_place(tmp_path: Path) -> None:
    contents = []
    for folder, table in ((tmp_path / "a", "1"), (tmp_path / "b", "1"), (tmp_path / "c", "2")):
        folder.mkdir()
        write(folder, "file_trader.py", TRADER.replace("HELPER", "file_helper"))
        write(folder, "file_helper.py", "def lots():\n    return 3\n")
        write(folder, "table.csv", table)
        parts = scenario(folder, "file_trader", '{ table = "table.csv" }')
        assert parts.scenario.trader[0].settings["table"] == str(folder / "table.csv")
        contents.append(parts.content)
    assert contents[0] == contents[1] != contents[2]


def test_what_a_process_keeps_of_a_scenario_is_forgotten_when_its_code_or_files_change(tmp_path: Path) -> None:
    write(tmp_path, "kept_trader.py", TRADER.replace("HELPER", "kept_helper"))
    write(tmp_path, "kept_helper.py", "def lots():\n    return 3\n")
    write(tmp_path, "table.csv", "1")
    kind = '[[trader]]\nname = "t"\nkind = "kept_trader:Mine"\nsettings = { table = "table.csv" }\n'
    variant = Variant.of_text(tmp_path / "study.toml", SMALL + kind)
    first = variant.built
    assert variant.built is first and pickle.loads(pickle.dumps(variant)).built is first
    with pytest.warns(DeprecationWarning, match="Variant"):
        assert built_once(variant.text, str(variant.path)) is first
    write(tmp_path, "table.csv", "22")
    second = variant.built
    assert second is not first and second.content != first.content
    write(tmp_path, "kept_helper.py", "def lots():\n    return 4\n")
    assert lots_sent(variant.built) == 4


def test_the_tokenizer_of_a_language_model_counts(tmp_path: Path) -> None:
    from scenarios.build.content import content_hash, resolved_paths

    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        (folder / name).write_text("{}")
    source = load_scenario(str(written(tmp_path)))
    settings, files = resolved_paths({"backend": {"weights": "model"}}, ("backend.weights",), tmp_path, "here")
    assert settings["backend"]["weights"] == str(folder) and files == [folder]
    before = content_hash(source.scenario, files, "")
    (folder / "tokenizer.json").write_text("{ }")
    assert content_hash(source.scenario, files, "") != before


@pytest.mark.parametrize("kind", ["own module:Mine", "own:", ":Mine", "../own:Mine", "a..b:Mine", "own:Mine.x"])
def test_a_name_that_is_no_module_is_one_line(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match="not a name in a module"):
        build(load_scenario(str(written(tmp_path, SMALL + f'[[trader]]\nname = "t"\nkind = "{kind}"\n'))))


@pytest.mark.parametrize(
    "text", ["raise SystemExit(3)", "def", "import no_such_module_at_all", "1 / 0", "x = '\\ud800'\0"]
)
def test_a_module_that_cannot_be_imported_is_one_line(tmp_path: Path, text: str) -> None:
    write(tmp_path, "broken_trader.py", text)
    with pytest.raises(InputError, match="its import failed") as caught:
        scenario(tmp_path, "broken_trader")
    assert "\n" not in str(caught.value)
