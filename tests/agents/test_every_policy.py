"""Every policy of the library passes the checks that a user's own policy must pass."""

from __future__ import annotations

import pytest

from scenarios.build.kinds import library_policy, policy_kinds
from sim.checks import check_policy

NEEDS_A_FILE = {"opening", "replay"}
HAS_ITS_OWN_TWIN = {"learned_flow"}
"""Too large a network for plain Python; tests/flow compares it with torch."""


@pytest.mark.parametrize("kind", sorted(set(policy_kinds()) - NEEDS_A_FILE - HAS_ITS_OWN_TWIN))
def test_it_is_a_proper_policy(kind: str) -> None:
    check_policy(library_policy(kind))
