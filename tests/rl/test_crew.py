"""Threads that share out a range: all of it is done, errors come out, and nobody stays behind."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from agents.rl._crew import Crew


def test_each_share_is_done_once_and_in_threads_of_their_own() -> None:
    crew, done, who = Crew(3), [0] * 90, set()

    def work(first: int, last: int) -> None:
        who.add(threading.get_ident())
        for k in range(first, last):
            done[k] += 1

    for _ in range(200):
        crew(work, [0, 30, 60, 90])
    assert done == [200] * 90
    assert len(who) == 3


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_comes_out_when_all_have_ended_and_the_crew_goes_on(failing: int) -> None:
    crew, ended = Crew(2), []

    def work(first: int, last: int) -> None:
        if first == failing:
            raise ValueError(f"share {first}")
        time.sleep(0.02)
        ended.append(first)

    with pytest.raises(ValueError, match=f"share {failing}"):
        crew(work, [0, 1, 2])
    assert ended == [1 - failing]
    crew(lambda first, last: ended.append(first), [5, 6, 7])
    assert sorted(ended[1:]) == [5, 6]


def test_its_threads_end_with_it() -> None:
    before = set(threading.enumerate())
    crew = Crew(4)
    crew(lambda first, last: None, [0, 1, 2, 3, 4])
    # By name and identity: other tests' threads may end meanwhile.
    own = [thread for thread in set(threading.enumerate()) - before if thread.name == "markets"]
    assert len(own) == 3 and all(thread.is_alive() for thread in own)
    del crew
    gc.collect()
    for thread in own:
        thread.join(5)
    assert not any(thread.is_alive() for thread in own)
