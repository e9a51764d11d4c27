"""One run at a time writes into a folder, and only into a new or empty one or one of its own kind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lob.errors import InputError
from scenarios.many_runs.result_set import ResultSet
from scenarios.run.folder import prepare_folder
from scenarios.run.scenario import Watch, run_scenario
from sim.files import atomic
from sim.files.claim import LOCK, FolderLock, claimed, has_json, locked
from tests.scenarios.texts import SMALL, built, written

ROOT = Path(__file__).resolve().parents[2]
HOLD = "import sys, time; from pathlib import Path; from sim.files.claim import FolderLock\n"
HOLD += "FolderLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"
QUIET = ("record.picture=false",)


class Holder:
    """Another process that holds a folder until it is killed."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", HOLD, str(folder)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == "held\n"

    def __enter__(self) -> int:
        return self.process.pid

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def study(folder: Path, **options: bool) -> ResultSet:
    return ResultSet(folder, {"kind": "a"}, ("k",), **options)


def hold(folder: Path) -> None:
    with claimed(folder, "calibration", lambda place: has_json(place / "moments.json", "fitted")):
        pass


# ---- two at a time ----------------------------------------------------------------------------------------


def test_a_folder_that_another_process_writes_into_is_refused_until_that_is_killed(
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    with Holder(run) as pid:
        for attempt in (lambda: run_scenario(built(tmp_path), run), lambda: study(run), lambda: hold(run)):
            with pytest.raises(InputError, match=rf"run: another run is writing here now \(pid {pid}\); allowed: wait"):
                attempt()
    assert (run / LOCK).exists()  # what a killed process leaves means nothing
    assert run_scenario(built(tmp_path, SMALL, *QUIET), run).summary["status"] == "complete"
    assert not (run / LOCK).exists()


def test_a_live_run_is_neither_resumed_nor_overwritten(tmp_path: Path) -> None:
    whole = run_scenario(built(tmp_path, SMALL, *QUIET), tmp_path / "whole")
    refused: list[str] = []

    def others_come() -> None:
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(InputError) as error:
                run_scenario(built(tmp_path, SMALL, *QUIET), tmp_path / "run", **options)
            refused.append(str(error.value))

    def stop() -> bool:
        if not refused:
            visitor = threading.Thread(target=others_come)
            visitor.start()
            visitor.join()
        return False

    outcome = run_scenario(built(tmp_path, SMALL, *QUIET), tmp_path / "run", watch=Watch(stop=stop))
    assert refused == [refused[0]] * 3 and f"another run is writing here now (pid {os.getpid()})" in refused[0]
    assert outcome.summary["tape_hash"] == whole.summary["tape_hash"]


def test_a_thread_that_comes_again_after_an_error_gets_its_folder_back(tmp_path: Path) -> None:
    abandoned = study(tmp_path / "study")
    abandoned.add([{"k": 1}])
    again = study(tmp_path / "study", resume=True)
    again.add([{"k": 2}])
    assert again.finish()["k"].to_list() == [2]
    assert not (tmp_path / "study" / LOCK).exists()


def test_a_study_that_nobody_has_any_more_holds_no_folder(tmp_path: Path) -> None:
    def in_a_thread() -> None:
        store = study(tmp_path / "study")
        del store

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert len(study(tmp_path / "study", resume=True).finish()) == 0


def test_a_lock_file_that_was_taken_away_by_its_owner_at_the_last_moment_is_not_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = FolderLock(tmp_path)
    import sim.files.claim

    real = sim.files.claim._lock

    def owner_leaves_between(file: object) -> None:
        first.release()
        real(file)  # type: ignore[arg-type]

    monkeypatch.setattr(sim.files.claim, "_lock", owner_leaves_between)
    monkeypatch.setattr(threading, "get_ident", lambda: -1)
    second = FolderLock(tmp_path)
    assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"
    second.release()


def test_a_disk_without_locks_is_told_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import errno
    import fcntl

    def no_locks(file: object, flags: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with locked(tmp_path):
        pass
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: no lock can be had here (no locks available); let no two runs write into one folder"
    ]


def test_a_folder_that_was_made_and_not_used_goes_again(tmp_path: Path) -> None:
    with locked(tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()


def test_two_writers_of_one_file_do_not_share_a_temporary_name(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with atomic.whole_file(path) as one, atomic.whole_file(path) as other:
        one.write(b"one")
        other.write(b"other")
        assert len(list(tmp_path.iterdir())) == 2
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


# ---- whose it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_scenario_is_not_overwritten_by_its_own_run(tmp_path: Path, overwrite: bool) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    scenario = "# years of work\n" + SMALL
    parts = built(folder, scenario)
    (folder / "small.toml").rename(folder / "scenario.toml")
    before = files(folder)
    with pytest.raises(InputError, match="study: holds files that are no run; allowed: a new or empty folder"):
        run_scenario(parts, folder, overwrite=overwrite)
    assert files(folder) == before


OWN = {
    "scenario.toml": "# mine",
    "snapshot.bin": "mine",
    "accounts.parquet": "mine",
    "fitted.toml": "# mine",
    "results/part-00000.parquet": "mine",
    "notes.tmp": "mine",
    "manifest.json": '{"name": "a web app"}',
    "summary.json": '{"text": "in short"}',
    "moments.json": "[]",
    "tape/x": "mine",
}
COMMANDS: dict[str, Callable[[Path, bool], object]] = {
    "run": lambda folder, overwrite: prepare_folder(folder, "hash", False, overwrite),
    "study": lambda folder, overwrite: study(folder, overwrite=overwrite),
    "calibration": lambda folder, overwrite: hold(folder),
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", OWN)
def test_no_command_touches_a_folder_with_a_file_of_the_users(
    tmp_path: Path, name: str, command: str, overwrite: bool
) -> None:
    folder = tmp_path / "mine"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text(OWN[name])
    with pytest.raises(InputError, match=f"holds files that are no {command}; allowed: a new or empty folder"):
        COMMANDS[command](folder, overwrite)
    assert files(folder) == {name: OWN[name].encode()}


def test_a_scenario_that_was_edited_in_its_run_folder_is_not_lost(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_scenario(built(tmp_path, SMALL, *QUIET), run)
    edited = (run / "scenario.toml").read_text() + "# what I learnt from it\n"
    (run / "scenario.toml").write_text(edited)
    for overwrite in (False, True):
        with pytest.raises(
            InputError, match=r"scenario\.toml: changed since the run wrote it; allowed: another folder"
        ):
            run_scenario(built(tmp_path, SMALL, *QUIET), run, overwrite=overwrite)
    assert (run / "scenario.toml").read_text() == edited
    (run / "scenario.toml").rename(tmp_path / "elsewhere.toml")
    assert run_scenario(built(tmp_path, SMALL, *QUIET), run).summary["status"] == "complete"


def test_files_of_the_users_beside_a_run_stay_when_it_is_overwritten(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_scenario(built(tmp_path), run)
    (run / "notes.tmp").write_text("mine")
    (run / "marketing.png").write_text("mine")
    run_scenario(built(tmp_path), run, seed=2, overwrite=True)
    assert (run / "notes.tmp").exists() and (run / "marketing.png").exists()


def test_a_run_writes_its_summary_before_anything_else_so_that_a_killed_one_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = atomic.whole_file

    def noting(path: Path) -> object:
        seen.append(path.name)
        return real(path)

    monkeypatch.setattr(atomic, "whole_file", noting)
    run_scenario(built(tmp_path, SMALL, *QUIET), tmp_path / "run")
    assert seen[0] == seen[-1] == "summary.json" and len(seen) > 3


def test_commands_of_other_kinds_are_told_apart(tmp_path: Path) -> None:
    run_scenario(built(tmp_path, SMALL, *QUIET), tmp_path / "run")
    with pytest.raises(InputError, match="holds files that are no study"):
        study(tmp_path / "run", overwrite=True)
    study(tmp_path / "study").finish()
    with pytest.raises(InputError, match="holds files that are no run"):
        run_scenario(built(tmp_path), tmp_path / "study", overwrite=True)


def test_training_holds_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("gymnasium")
    pytest.importorskip("torch")
    from scenarios.training.rl import RlTraining, train_rl

    with Holder(tmp_path / "rl") as pid, pytest.raises(InputError, match=rf"writing here now \(pid {pid}\)"):
        train_rl(RlTraining(str(written(tmp_path)), "execution"), tmp_path / "rl")


def test_generated_days_hold_their_folder(tmp_path: Path) -> None:
    from tests.studies import generate

    with Holder(tmp_path / "days") as pid, pytest.raises(InputError, match=rf"writing here now \(pid {pid}\)"):
        generate(written(tmp_path), tmp_path / "days")


def test_errors_of_the_disk_are_still_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"a file; allowed: a folder"), locked(tmp_path / "file"):
        pass
