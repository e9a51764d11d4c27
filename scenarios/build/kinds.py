"""Finding the agents that a scenario names: the library's kinds, or a user's own "module:NAME"."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

from lob.errors import InputError
from scenarios.build.own_code import import_own
from scenarios.schema.load import nearest
from sim.policy import Policy
from sim.trader import Trader
from sim.trust import refuse_code

__all__ = [
    "find_object",
    "find_policy",
    "find_trader",
    "library_policy",
    "library_trader",
    "policy_kinds",
    "policy_module",
    "trader_kinds",
]

_POLICY_PACKAGES = ("agents.rules", "agents.makers", "agents.background", "agents.execution", "agents.rl.policies")


def _modules(package: str) -> list[str]:
    """Return the public modules of a package; none if there is no such package."""
    try:
        paths = importlib.import_module(package).__path__
    except ModuleNotFoundError:
        return []
    return sorted(m.name for m in pkgutil.iter_modules(paths) if not m.name.startswith("_"))


def policy_kinds() -> list[str]:
    """Return the names of the library's compiled policies."""
    return sorted(name for package in _POLICY_PACKAGES for name in _modules(package))


def library_policy(kind: str) -> Policy:
    """Return the library's policy of this kind, one of `policy_kinds`."""
    policy: Policy = policy_module(kind).policy
    return policy


def policy_module(kind: str) -> Any:
    """Return the module of a library policy, whose docstring says what it does."""
    package = next(package for package in _POLICY_PACKAGES if kind in _modules(package))
    return importlib.import_module(f"{package}.{kind}")


def trader_kinds() -> list[str]:
    """Return the names of the library's Python traders."""
    return _modules("agents.traders")


def find_policy(kind: str, folder: Path, where: str) -> Policy:
    """Return the policy of a population.

    Args:
        kind: a library kind or "module:NAME".
        folder: the scenario's folder, on the import path while a user's module is imported.
        where: file and dotted path, for the message of an error.

    Raises:
        InputError: if there is no such policy.
    """
    if ":" in kind:
        found = _import(kind, folder, where)
        if not isinstance(found, Policy):
            raise InputError(f'{where} = "{kind}": {_a(found)}; allowed: a sim.policy.Policy object')
        return found
    known = policy_kinds()
    if kind not in known:
        raise InputError(_unknown(kind, known, "my_module:MY_POLICY", where))
    return library_policy(kind)


def find_trader(kind: str, folder: Path, where: str) -> type[Trader]:
    """Return the class of a Python trader; arguments and errors as for `find_policy`."""
    if ":" in kind:
        found = _import(kind, folder, where)
        if not (isinstance(found, type) and issubclass(found, Trader)):
            raise InputError(f'{where} = "{kind}": {_a(found)}; allowed: a subclass of sim.trader.Trader')
        return found
    known = trader_kinds()
    if kind not in known:
        raise InputError(_unknown(kind, known, "my_module:MyTrader", where))
    return library_trader(kind)


def find_object(name: str, folder: Path, where: str) -> Any:
    """Return what "module:NAME" stands for, in a module beside a scenario or an installed one; errors as above."""
    return _import(name, folder, where)


def library_trader(kind: str) -> type[Trader]:
    """Return the library's Python trader of this kind, one of `trader_kinds`."""
    trader: type[Trader] = importlib.import_module(f"agents.traders.{kind}").trader
    return trader


def _unknown(kind: str, known: list[str], own: str, where: str) -> str:
    return f'{where} = "{kind}"{nearest(kind, known)}; allowed: {", ".join(known)} or "{own}"'


def _a(found: Any) -> str:
    return f"is a {type(found).__name__}" if not isinstance(found, type) else f"is the class {found.__name__}"


def _import(kind: str, folder: Path, where: str) -> Any:
    module_name, _, attribute = kind.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")) or not attribute.isidentifier():
        raise InputError(f'{where} = "{kind}": not a name in a module; allowed: "my_module:MINE"')
    refuse_code(f'{where} = "{kind}": would run the file of {module_name}')
    try:
        module = import_own(module_name, folder)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise InputError(f'{where} = "{kind}": its import failed ({error})') from None
        raise InputError(
            f'{where} = "{kind}": no module {module_name}; allowed: a module beside the scenario or treatment file, in '
            "the working directory, or an installed one"
        ) from None
    except (Exception, SystemExit) as error:
        line = " ".join(repr(error).split())[:200]
        raise InputError(f'{where} = "{kind}": its import failed ({line})') from error
    if not hasattr(module, attribute):
        names = [name for name in vars(module) if not name.startswith("_")]
        raise InputError(f'{where} = "{kind}": {module_name} has no {attribute}{nearest(attribute, names)}')
    return getattr(module, attribute)
