"""A user's own code: imported from beside the scenario, afresh once it has changed, and hashed with what it imports.

Only Python files are followed: what a module reads at run time, or imports under a name made at run time, is not seen.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

__all__ = ["SEARCH_PATH", "code_digest", "import_own", "own_files", "search_places", "search_there"]

SEARCH_PATH = "OUTCRY_PATH"
"""Environment variable: more folders in which a user's modules are looked for, as in PATH; workers inherit it."""

_ENDINGS = (".py", *EXTENSION_SUFFIXES)
_OURS = Path(__file__).resolve().parent.parent.parent
_PACKAGES = ("lob", "sim", "agents", "scenarios", "bench")
_sent: tuple[str, ...] = ()
"""In a worker process: where the process that sent the work looks."""
_loaded: dict[str, tuple[Path, str]] = {}
"""Of each module imported here: the folder of its scenario, and the digest of its files at that time."""


def import_own(name: str, folder: Path) -> ModuleType:
    """Return a user's module: of the scenario's folder, the working directory, $OUTCRY_PATH, or an installed one.

    If a file of it has changed since this process imported it, or another scenario's module has the name, all of the
    modules that it imports from its folder are imported again.

    Args:
        name: such as "my_traders", or "strategies.mine".
        folder: of the scenario.

    Raises:
        Exception: whatever the import raises.
    """
    folder = _home_of(name, folder)
    with _on_path(folder):
        files = own_files(name, folder)
        now = (folder.resolve(), _digest(files))
        if _loaded.get(name) != now or name not in sys.modules:
            _forget(name, files)
        module = importlib.import_module(name)
        _loaded[name] = now
    return module


def code_digest(names: set[str], folder: Path) -> str:
    """Return a hash of the files of some modules and of all that they import from their folders."""
    files: dict[str, Path] = {}
    for name in sorted(names):
        home = _home_of(name, folder)
        with _on_path(home):
            files |= own_files(name, home)
    return _digest(files)


def search_places() -> tuple[str, ...]:
    """Return where a user's modules are looked for after the scenario's folder: the working directory, $OUTCRY_PATH."""
    more = [place for place in os.environ.get(SEARCH_PATH, "").split(os.pathsep) if place]
    return _sent or tuple(str(Path(place).resolve()) for place in ("", *more))


def search_there(places: tuple[str, ...]) -> None:
    """Look where another process looks from now on: workers live on while its working directory changes."""
    global _sent
    _sent = places


def _home_of(name: str, folder: Path) -> Path:
    """Return the first folder that holds a module of the name; the scenario's if none does."""
    top = name.partition(".")[0]
    places = [folder, *map(Path, search_places())]
    return next((place for place in places if _file_of(top, place.resolve()) is not None), folder)


def own_files(name: str, folder: Path) -> dict[str, Path]:
    """Return the files of a user's module and of all that it imports from the same folder, by module name.

    A module that is not beside the scenario has the folder that it is found in; one that is installed as a package is
    followed within its package.
    """
    root = folder.resolve()
    if _file_of(name, root) is None:
        root = _place_of(name)
    top = name.partition(".")[0]
    alone = _is_installed(root)
    found: dict[str, Path] = {}
    waiting = _with_parents(name)
    while waiting:
        module = waiting.pop()
        path = None if module in found or (alone and module.partition(".")[0] != top) else _file_of(module, root)
        if path is None or _is_ours(path):
            continue
        found[module] = path
        if path.suffix == ".py":
            waiting += [part for other in _imports(path, module) for part in _with_parents(other)]
    return found


def _imports(path: Path, module: str) -> Iterator[str]:
    """Yield the full names of what a file imports, wherever in it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return  # the import says it better
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(part for part in (*above, node.module or "") if part)
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:k]) for k in range(1, len(parts) + 1)]


def _file_of(module: str, root: Path) -> Path | None:
    """Return the file that a module has below a folder; None if there is none."""
    stem = root.joinpath(*module.split("."))
    places = [stem / "__init__.py", *(stem.with_name(stem.name + ending) for ending in _ENDINGS)]
    return next((place for place in places if place.is_file()), None)


def _place_of(name: str) -> Path:
    """Return the folder that a module is imported from when it is not beside the scenario."""
    top = name.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return Path("/nowhere")
    origin = spec.origin if spec.has_location else None
    place = Path(origin or next(iter(spec.submodule_search_locations or []), "/nowhere/nothing")).resolve()
    return place.parent.parent if place.stem == "__init__" else place.parent


def _is_installed(root: Path) -> bool:
    places = {Path(path).resolve() for path in sysconfig.get_paths().values()}
    return root in places or root.name in ("site-packages", "dist-packages")


def _is_ours(path: Path) -> bool:
    return any(path.resolve().is_relative_to(_OURS / package) for package in _PACKAGES)


def _forget(name: str, files: dict[str, Path]) -> None:
    """Drop what is imported under the names of these files, if a scenario's folder provided it or the module is named.

    A module of Python or of a library stays as it is: one that is named itself, and one that a file beside the scenario
    happens to be called like.
    """
    folders = {place for place, _ in _loaded.values()}
    for known, path in files.items():
        if _is_installed(path.resolve().parents[known.count(".") + (path.stem == "__init__")]):
            continue
        loaded = Path(getattr(sys.modules.get(known), "__file__", None) or "/nowhere").resolve()
        if known == name or loaded == path.resolve() or any(loaded.is_relative_to(place) for place in folders):
            sys.modules.pop(known, None)
    importlib.invalidate_caches()


def _digest(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Put a folder in front; write no bytecode, which would hide an edit of the same second and length."""
    entry, written = str(folder.resolve()), sys.dont_write_bytecode
    sys.path.insert(0, entry)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(entry)
        sys.dont_write_bytecode = written
