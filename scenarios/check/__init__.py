"""Checking a run folder from what stands in it: tape, scenario.toml, summary.json, accounts.parquet.

`rules.py` says what the scenario promised, `figures.py` gathers totals from the rows, `accounts.py`, `summary.py` and
`schedule.py` compare, `run.py` does all of it for one folder, `report.py` shows what came out.
"""

from scenarios.check.run import Line, Report, check_run

__all__ = ["Line", "Report", "check_run"]
