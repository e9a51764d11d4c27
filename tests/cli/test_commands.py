"""The command line: what each command leaves, and one line and the right status for everything that can go wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sim.hash import hash_tape
from tests.scenarios.texts import SMALL, written

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
LONG = (
    SMALL.replace("count = 50", "count = 1000").replace("09:40:00", "10:20:00")
    + "[record]\npicture = false\ncheckpoint_s = 0.05\n"
)
COMMAND = [sys.executable, "-m", "scenarios.cli"]


def outcry(folder: Path, *arguments: str, status: int = 0) -> tuple[str, str]:
    """Run a command in its own process; return stdout and stderr."""
    done = subprocess.run([*COMMAND, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, done.stderr


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *arguments], cwd=folder, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def one_line(text: str) -> str:
    assert text.count("\n") == 1 and text.startswith("outcry: "), text
    return text


def summary_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


@pytest.fixture(scope="module")
def long_hash(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tape hash of the long scenario, undisturbed."""
    folder = tmp_path_factory.mktemp("long")
    outcry(folder, "run", str(written(folder, LONG)), "--out", "run")
    found: str = summary_of(folder / "run")["tape_hash"]
    return found


def test_a_run_prints_its_figures_and_last_its_picture(tmp_path: Path) -> None:
    written(tmp_path)
    out, _ = outcry(tmp_path, "run", "small.toml", "--seed", "3")
    for word in ("Orders", "Trades", "Spread", "Volatility", "Rejects", "P&L", "Wall time"):
        assert word in out
    assert out.splitlines()[-1] == "Picture: runs/small-seed3/market.png"
    assert summary_of(tmp_path / "runs/small-seed3")["seed"] == 3


def test_a_fresh_process_ends_in_the_same_tape_hash(tmp_path: Path) -> None:
    from tests.scenarios.texts import built

    market, digest = built(tmp_path).market(), __import__("sim.hash").hash.TapeHash()
    market.run(sinks=[digest])
    outcry(tmp_path, "run", "small.toml", "--out", "run")
    assert summary_of(tmp_path / "run")["tape_hash"] == digest.hexdigest()


def test_a_run_killed_after_a_checkpoint_resumes_to_the_same_tape_hash(tmp_path: Path, long_hash: str) -> None:
    written(tmp_path, LONG)
    process = started(tmp_path, "run", "small.toml", "--out", "run")
    wait_for(tmp_path / "run" / "snapshot.bin", process)
    process.kill()
    process.communicate()
    assert summary_of(tmp_path / "run")["status"] == "running"
    out, _ = outcry(tmp_path, "run", "small.toml", "--out", "run", "--resume")
    assert "resumed at " in out
    assert summary_of(tmp_path / "run")["tape_hash"] == long_hash == hash_tape(tmp_path / "run" / "tape")


def test_a_run_killed_before_its_first_checkpoint_starts_over(tmp_path: Path, long_hash: str) -> None:
    text = LONG.replace("checkpoint_s = 0.05", "checkpoint_s = 1000")
    written(tmp_path, text)
    process = started(tmp_path, "run", "small.toml", "--out", "run")
    wait_for(tmp_path / "run" / "summary.json", process)
    process.kill()
    process.communicate()
    out, _ = outcry(tmp_path, "run", "small.toml", "--out", "run", "--resume")
    assert "started over" in out
    assert summary_of(tmp_path / "run")["tape_hash"] == long_hash == hash_tape(tmp_path / "run" / "tape")


def test_ctrl_c_leaves_a_readable_tape_and_a_snapshot_to_resume_from(tmp_path: Path, long_hash: str) -> None:
    import signal

    written(tmp_path, LONG)
    process = started(tmp_path, "run", "small.toml", "--out", "run")
    wait_for(tmp_path / "run" / "snapshot.bin", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, out + err
    assert "the same command with --resume goes on" in out
    summary = summary_of(tmp_path / "run")
    assert summary["status"] == "stopped"
    assert hash_tape(tmp_path / "run" / "tape") == summary["tape_hash"] != long_hash
    outcry(tmp_path, "run", "small.toml", "--out", "run", "--resume")
    assert summary_of(tmp_path / "run")["tape_hash"] == long_hash


def test_until_stops_at_a_time_and_resume_goes_on(tmp_path: Path) -> None:
    written(tmp_path)
    outcry(tmp_path, "run", "small.toml", "--out", "run", "--until", "09:33:00")
    assert summary_of(tmp_path / "run")["session"]["reached"] == "09:33:00"
    outcry(tmp_path, "run", "small.toml", "--out", "run", "--resume")
    assert summary_of(tmp_path / "run")["session"]["reached"] == "09:40:00"


def test_plot_draws_the_same_picture_from_the_tape(tmp_path: Path) -> None:
    written(tmp_path)
    outcry(tmp_path, "run", "small.toml", "--out", "run")
    picture = tmp_path / "run" / "market.png"
    before = picture.read_bytes()
    picture.unlink()
    out, _ = outcry(tmp_path, "plot", "run")
    assert out == "Picture: run/market.png\n"
    assert picture.read_bytes() == before


def test_new_writes_a_scenario_that_runs_and_never_over_a_file(tmp_path: Path) -> None:
    outcry(tmp_path, "new", "mine.toml")
    outcry(tmp_path, "run", "mine.toml", "--out", "run", "--until", "09:31:00")
    _, err = outcry(tmp_path, "new", "mine.toml", status=2)
    assert "mine.toml: is there already" in one_line(err)


def test_scenarios_lists_the_library_with_descriptions(tmp_path: Path) -> None:
    out, _ = outcry(tmp_path, "scenarios")
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert "first_market" in rows and all(rows.values())


def test_schema_is_json_and_knows_the_settings_of_every_kind(tmp_path: Path) -> None:
    out, _ = outcry(tmp_path, "schema")
    schema = json.loads(out)
    rules = {rule["if"]["properties"]["kind"]["const"]: rule for rule in schema["$defs"]["PopulationTable"]["allOf"]}
    reference = rules["zero_intelligence"]["then"]["properties"]["settings"]["$ref"]
    assert "interval_s" in schema["$defs"][reference.rsplit("/", 1)[1]]["properties"]


def test_version_names_outcry_and_python(tmp_path: Path) -> None:
    out, _ = outcry(tmp_path, "version")
    assert out.startswith("outcry-sim ") and "\npython 3." in out


def test_help_imports_neither_numba_nor_numpy_nor_pydantic() -> None:
    code = (
        "import sys\nsys.argv = ['outcry', '--help']\n"
        "from scenarios.cli.main import run_command\n"
        "try:\n    run_command()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numba', 'numpy', 'polars', 'pydantic', 'matplotlib', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout


def test_bad_input_ends_in_one_line_with_status_2(tmp_path: Path) -> None:
    written(tmp_path, SMALL.replace("count = 50", "count = -1"))
    _, err = outcry(tmp_path, "run", "small.toml", status=2)
    assert one_line(err) == "outcry: small.toml: population.zero.count = -1; allowed: at least 1\n"
    assert not (tmp_path / "runs").exists()


def test_a_wrong_option_ends_with_status_2(tmp_path: Path) -> None:
    _, err = outcry(tmp_path, "run", "first_market", "--sede", "3", status=2)
    assert "--sede" in err and "Traceback" not in err


def test_every_command_that_takes_a_scenario_can_be_told_to_run_no_code(tmp_path: Path) -> None:
    (tmp_path / "evil_here.py").write_text("open('was_run', 'w').close()\n")
    written(tmp_path, SMALL.replace('"zero_intelligence"', '"evil_here:MINE"').replace("interval_s = 2.0", ""))
    for command in (
        ("run",),
        ("impact",),
        ("sweep", "--grid", "seed=1,2"),
        ("attribute",),
        ("calibrate",),
        ("generate",),
    ):
        out, _ = outcry(tmp_path, command[0], "--help")
        assert "--no-code" in out and "--allow-key" in out
    _, err = outcry(tmp_path, "run", "small.toml", "--no-code", status=2)
    assert "would run the file of evil_here; allowed: only the library's own kinds" in one_line(err)
    assert not (tmp_path / "was_run").exists()


def test_a_seed_out_of_range_ends_with_the_range(tmp_path: Path) -> None:
    for seed in (2**63, 2**64):
        _, err = outcry(tmp_path, "run", "first_market", "--seed", str(seed), status=2)
        assert one_line(err) == f"outcry: --seed = {seed}; allowed: a whole number from 0 to {2**63 - 1}\n"


@pytest.mark.parametrize("until", ["noon", "23:00:00"])
def test_a_wrong_until_ends_with_status_2(tmp_path: Path, until: str) -> None:
    _, err = outcry(tmp_path, "run", "first_market", "--until", until, status=2)
    assert f"--until {until}: " in one_line(err) and "allowed: a time from 09:30:00" in err


def test_a_folder_that_cannot_be_written_ends_with_status_2(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "out").write_text("")
    _, err = outcry(tmp_path, "run", "small.toml", "--out", "out/run", status=2)
    assert "out/run: cannot be written" in one_line(err)


def test_a_failed_run_ends_in_one_line_with_status_1(tmp_path: Path) -> None:
    written(tmp_path, SMALL.replace('name = "ABC"', 'name = "ABC"\nmax_orders = 40'))
    _, err = outcry(tmp_path, "run", "small.toml", "--out", "run", status=1)
    assert "raise the instrument's max_orders" in one_line(err)
    assert len(hash_tape(tmp_path / "run" / "tape")) == 64


def test_another_distribution_with_a_package_of_ours_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("")
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    code = "from scenarios.cli.main import run_command; run_command()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "the package agents is" in one_line(done.stderr)


def test_a_scenario_in_the_folder_that_out_names_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    scenario = written(tmp_path / "study", "# years of work\n" + SMALL, "scenario.toml")
    before = scenario.read_bytes()
    for option in ((), ("--overwrite",), ("--resume",)):
        _, errors = outcry(tmp_path, "run", "study/scenario.toml", "--out", "study", *option, status=2)
        assert "study: holds files that are no run; allowed: a new or empty folder" in one_line(errors)
    assert scenario.read_bytes() == before and list(scenario.parent.iterdir()) == [scenario]


def test_a_run_into_the_folder_of_a_live_one_ends_in_one_line(tmp_path: Path) -> None:
    from sim.files.claim import locked

    written(tmp_path)
    with locked(tmp_path / "run"):
        _, errors = outcry(tmp_path, "run", "small.toml", "--out", "run", status=2)
    assert f"run: another run is writing here now (pid {os.getpid()}); allowed: wait for it" in one_line(errors)


def test_a_replay_does_not_write_over_files_of_the_users(tmp_path: Path) -> None:
    from tests.replay.days import MESSAGES, ROWS, write_day

    message, book = write_day(tmp_path, MESSAGES, ROWS)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "summary.json").write_text('{"text": "mine"}')
    _, errors = outcry(tmp_path, "replay", message.name, book.name, "--out", "mine", status=2)
    assert "mine: holds files that are no replay" in one_line(errors)
    assert (tmp_path / "mine" / "summary.json").read_text() == '{"text": "mine"}'
