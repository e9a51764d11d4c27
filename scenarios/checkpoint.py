"""Snapshots of a running market on disk, from which a killed run goes on to the same tape."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

from lob.errors import InputError
from sim.market import Snapshot
from sim.writer import write_atomically

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

FILE = "snapshot.bin"
_MAGIC = b"OUTCRY-SNAPSHOT\n"
_VERSION = 1
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Checkpoint:
    """What belongs to a snapshot.

    Attributes:
        config_hash: of the scenario and seed.
        time_ns: simulated time.
        n_parts: parts of the tape that it covers: 0 to n_parts - 1.
        n_rows: rows in them.
        tape_hash: hash of these rows.
    """

    config_hash: str
    time_ns: int
    n_parts: int
    n_rows: int
    tape_hash: str


def save_checkpoint(folder: Path, point: Checkpoint, snapshot: Snapshot) -> None:
    """Write a snapshot over the one before it; a reader finds the old or the new one, never a half.

    Raises:
        RunError: if the disk is full.
    """
    header = {
        "version": _VERSION,
        "world_version": snapshot.format_version,
        "traders": snapshot.traders,
        **asdict(point),
    }
    text = json.dumps(header).encode()
    # Level 1: most of a world is zeros, and the run waits meanwhile.
    world = zlib.compress(snapshot.world, 1)
    write_atomically(folder / FILE, b"".join((_MAGIC, _LENGTH.pack(len(text)), text, world)))


def load_checkpoint(folder: Path) -> tuple[Checkpoint, Snapshot] | None:
    """Return the snapshot of a run folder, None if there is none.

    Raises:
        InputError: if the file is damaged or of another version.
    """
    path = folder / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    start = len(_MAGIC) + _LENGTH.size
    try:
        if data[: len(_MAGIC)] != _MAGIC:
            raise ValueError("not a snapshot")
        (length,) = _LENGTH.unpack(data[len(_MAGIC) : start])
        header = json.loads(data[start : start + length])
        version = header.pop("version")
        if version != _VERSION:
            raise InputError(f"{path}: snapshot version {version}; allowed: {_VERSION}")
        snapshot = Snapshot(header.pop("world_version"), zlib.decompress(data[start + length :]), header.pop("traders"))
        return Checkpoint(**header), snapshot
    except (ValueError, KeyError, TypeError, struct.error, zlib.error) as error:
        raise InputError(f"{path}: damaged ({error}); delete it to start the run over") from None
