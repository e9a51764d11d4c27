"""The audit: a tape's rows held against the rules of the exchange, from the tape alone.

`faults.py` lists all that can be found, `state.py` what is remembered, `book.py` the rebuilt book, `messages.py`,
`rows.py`, `limits.py` and `rejects.py` the rules, `money.py` the accounts, `tape.py` the sink that runs them.
"""

from sim.audit.faults import CHECKS
from sim.audit.money import as_float, exact
from sim.audit.state import Group
from sim.audit.tape import Finding, TapeAudit

__all__ = ["CHECKS", "Finding", "Group", "TapeAudit", "as_float", "exact"]
