"""What the processes of `kills` have loaded before they are forked: the command line, and kernels that have run once.

No table has been read or written here: polars' threads would not survive a fork.
"""

import scenarios.cli.main
import scenarios.run.scenario  # noqa: F401
from scenarios.build.market import build_market

_market = build_market("first_market", overrides=["session.close=09:30:01"])
_market.run()
