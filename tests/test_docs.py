"""The pages of the documentation: pictures of examples belong to one, and every example that draws has its picture."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_example_that_draws_a_picture_has_it_on_its_page() -> None:
    drawn = {
        name for path in (ROOT / "examples").glob("*.py") for name in re.findall(r'"(\w+\.png)"', path.read_text())
    }
    assert drawn and drawn == {path.name for path in (ROOT / "docs" / "examples").glob("*.png")}


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for place in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            assert "://" in place or (page.parent / place).exists(), (page.name, place)


def test_modules_that_pages_name_are_there() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for name in re.findall(
            r"`((?:lob|sim|agents|scenarios|bench|tests|examples)/[\w/]+(?:\.py|/))", page.read_text("utf-8")
        ):
            assert (ROOT / name).exists(), (page.name, name)


def test_every_stop_of_a_walk_is_there() -> None:
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    walks = page.partition("## Walks")[2].partition("\n## ")[0]
    stops = re.findall(r"^\d+\. `([\w/]+\.py)`: `([\w.]+)`", walks, re.M)
    assert len(stops) == len(re.findall(r"^\d+\. ", walks, re.M)) >= 36
    for file, name in stops:
        text = (ROOT / file).read_text("utf-8")
        assert all(re.search(rf"(def|class) {part}\b", text) for part in name.split(".")), (file, name)
    for walk in walks.split("### ")[1:]:
        assert len(re.findall(r"^\d+\. ", walk, re.M)) <= 10
