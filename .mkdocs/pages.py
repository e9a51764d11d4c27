"""Pages of the site that are made from the code: the README as its first page, the examples, the public names.

Hooks of MkDocs; see mkdocs.yml. The reference lists what each package exports in `__all__`, read without importing it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "lob", "sim", "sim.metrics", "sim.formats", "sim.audit", "agents", "agents.flow", "agents.rl", "agents.llm",
    "scenarios", "scenarios.schema", "scenarios.build", "scenarios.run", "scenarios.check", "scenarios.many_runs",
    "scenarios.data", "scenarios.experiments", "scenarios.calibration", "scenarios.realism", "scenarios.facts",
    "scenarios.baselines", "scenarios.training",
)  # fmt: skip


def on_config(config: Any) -> Any:
    """Put the made pages into the navigation."""
    for entry in config.nav:
        if "Examples" in entry:
            entry["Examples"] = [{_title(path): f"examples/{path.stem}.md"} for path in _examples()]
        if "Reference" in entry:
            entry["Reference"] = [{name: f"reference/{name}.md"} for name in PACKAGES if _exported(name)]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the made pages."""
    made = {"index.md": _index(), **{f"examples/{path.stem}.md": _example(path) for path in _examples()}}
    made |= {f"reference/{name}.md": _reference(name) for name in PACKAGES if _exported(name)}
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    return files


def _index() -> str:
    """The README, its links as seen from the site."""
    text = (ROOT / "README.md").read_text("utf-8")
    return re.sub(r"\]\(docs/", "](", text)


def _examples() -> list[Path]:
    return sorted((ROOT / "examples").glob("*.py"))


def _title(path: Path) -> str:
    return path.stem.replace("_", " ").capitalize().replace("Llm", "LLM")


def _example(path: Path) -> str:
    """An example: what it says of itself, its picture if there is one, its code."""
    source = path.read_text("utf-8")
    about = ast.get_docstring(ast.parse(source)) or ""
    picture = ROOT / "docs" / "examples" / f"{path.stem}.png"
    parts = [f"# {_title(path)}", about]
    if picture.is_file():
        parts.append(f"![What the example draws]({picture.name})")
    parts.append(f'```python title="examples/{path.name}"\n{source}```')
    return "\n\n".join(parts) + "\n"


def _exported(package: str) -> list[str]:
    """The names that a package exports."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return sorted(ast.literal_eval(node.value))
    return []


def _homes(package: str) -> dict[str, str]:
    """Where each exported name is defined: the imports of the package's own `__init__`."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text("utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.update({alias.asname or alias.name: node.module for alias in node.names})
    return found


def _paragraph(text: str) -> str:
    """A paragraph of a docstring; one in columns stays in columns."""
    return f"```text\n{text}\n```" if re.search(r"\S {2,}\S", text) else text


def _reference(package: str) -> str:
    homes = _homes(package)
    about = ast.get_docstring(ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text("utf-8"))) or ""
    parts = [f"# {package}", *map(_paragraph, about.split("\n\n"))]
    parts += [f"::: {homes.get(name, package)}.{name}" for name in _exported(package)]
    return "\n\n".join(parts) + "\n"
