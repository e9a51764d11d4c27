"""Reports as one self-contained HTML page: text, tables, pictures inside the file; nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from html import escape
from typing import Any

__all__ = ["details", "interval", "number", "page", "paragraph", "picture", "preformatted", "section", "table"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1050px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: .2em; } h2 { font-size: 1.15em; margin: 1.8em 0 .4em; }
table { border-collapse: collapse; font-size: .88em; margin: .6em 0; display: block; overflow-x: auto; }
th, td { padding: .2em .8em .2em 0; text-align: right; vertical-align: top; white-space: nowrap; }
th { border-bottom: 1px solid #999; } th:first-child, td:first-child { text-align: left; }
td.text, th.text { text-align: left; white-space: normal; min-width: 14em; color: #555; }
tr:nth-child(even) td { background: #f7f7f7; } img { max-width: 100%; }
tr.grey td { color: #999; }
pre { background: #f4f4f4; padding: .8em; overflow-x: auto; font-size: .85em; } .note { color: #555; }
.answer { font-size: 1.1em; border-left: 3px solid #2166ac; padding-left: .8em; }
.picture { overflow-x: auto; }
@media (max-width: 640px) { body { margin: 1em auto; } .picture img { max-width: none; width: 720px; } }
details { margin: .8em 0; } summary { cursor: pointer; font-weight: 600; }
"""


def number(value: Any, digits: int = 4) -> str:
    """Return a number as people write it; a dash for what is not known."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"  # noqa: RUF001
    if isinstance(value, int) or (abs(value) >= 1e4 and float(value).is_integer()):
        return f"{value:,.0f}"
    if 10**digits <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:,.{digits}g}" if abs(value) < 1e6 else f"{value:.{digits}g}"


def interval(low: float | None, high: float | None) -> str:
    """Return an interval in brackets after a space; nothing if it is not known."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f" ({number(low, 3)}, {number(high, 3)})"


def paragraph(text: str, css: str = "") -> str:
    """Return a paragraph of plain text."""
    return f'<p class="{css}">{escape(text)}</p>' if css else f"<p>{escape(text)}</p>"


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    text_columns: Sequence[int] = (),
    grey_rows: Sequence[int] = (),
) -> str:
    """Return a table of plain text; the first column and `text_columns` to the left, the others to the right."""

    def cell(tag: str, k: int, text: str) -> str:
        css = ' class="text"' if k in text_columns else ""
        return f"<{tag}{css}>{escape(text)}</{tag}>"

    head = "".join(cell("th", k, text) for k, text in enumerate(header))
    lines = ["".join(cell("td", k, text) for k, text in enumerate(row)) for row in rows]
    starts = ['<tr class="grey">' if n in grey_rows else "<tr>" for n in range(len(rows))]
    body = "".join(f"{start}{line}</tr>" for start, line in zip(starts, lines, strict=True))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def preformatted(text: str) -> str:
    """Return a block of plain text with its lines and spaces as they are."""
    return f"<pre>{escape(text)}</pre>"


def picture(png: bytes, caption: str) -> str:
    """Return a PNG inside the page; on a phone it keeps a width at which it can be read, and moves sideways."""
    data = base64.b64encode(png).decode()
    image = f'<img alt="{escape(caption)}" title="{escape(caption)}" src="data:image/png;base64,{data}">'
    return f'<div class="picture">{image}</div>'


def section(title: str, *parts: str) -> str:
    """Return a heading with what stands under it."""
    return f"<h2>{escape(title)}</h2>{''.join(parts)}"


def details(title: str, *parts: str) -> str:
    """Return something that is folded under its title until it is asked for."""
    return f"<details><summary>{escape(title)}</summary>{''.join(parts)}</details>"


def page(title: str, *parts: str) -> str:
    """Return a whole page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"{''.join(parts)}</body></html>\n"
    )
