"""The snippets of docs/rl.md run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "rl.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_of_the_page_runs(number: int) -> None:
    assert len(SNIPPETS) == 5
    exec(compile(SNIPPETS[number], f"docs/rl.md, snippet {number + 1}", "exec"), {"__name__": "snippet"})


def test_every_option_of_an_environment_is_on_the_page() -> None:
    from agents.rl import MarketEnv, MarketParallelEnv, MarketVectorEnv
    from agents.rl.options import option_names
    from scenarios.environments import MarketFactory

    for kind in (MarketFactory, MarketEnv, MarketVectorEnv, MarketParallelEnv):
        for name in option_names(kind):
            assert name == "make_market" or f"`{name}`" in PAGE, name
