"""Reports are made of texts that users and strangers wrote: nothing of them becomes markup."""

from __future__ import annotations

from pathlib import Path

import scenarios
from scenarios.pages.html import page, paragraph, picture, preformatted, section, table

EVIL = """<img src=x onerror="alert('1')">&amp;"""


def test_no_text_becomes_markup() -> None:
    made = page(
        EVIL, paragraph(EVIL), paragraph(EVIL, "note"), table([EVIL], [[EVIL]], [0]), picture(b"", EVIL),
        section(EVIL, preformatted(EVIL)),
    )  # fmt: skip
    assert "<img src=x" not in made and made.count("&lt;img src=x") == 10
    assert "&amp;amp;" in made


def test_markup_is_written_in_one_file_only() -> None:
    root = Path(scenarios.__file__).parent
    others = [path for path in root.rglob("*.py") if path.name != "html.py"]
    assert len(others) > 50
    assert not [
        path.name for path in others for mark in ("<pre", "</", "<p>", "<td", "<h1") if mark in path.read_text()
    ]
