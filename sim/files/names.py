"""Names of files made from names of a scenario: readable, safe on every disk, and never the same for two names."""

from __future__ import annotations

import hashlib
import re

__all__ = ["file_name"]

MAX_LENGTH = 80


def file_name(name: str) -> str:
    """Return a name for files from any text: the text itself if it is plain, else with a mark that tells it apart.

    Letters and digits of ASCII, "-" and "." stay, except in front; anything else becomes "-". A name that had to be
    changed ends in "~" and eight digits of its hash, so that "A/B", "A_B" and "A-B" are three files. On disks that do
    not tell capitals from small letters, two symbols that differ in nothing else must be kept in two runs.

    Example:
        >>> file_name("ABC"), file_name("A/B"), file_name("A-B")
        ('ABC', 'A-B~998d3ed8', 'A-B')
    """
    plain = re.sub(r"[^A-Za-z0-9.-]", "-", name).lstrip(".")[:MAX_LENGTH]
    if plain == name:
        return name
    return f"{plain}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
