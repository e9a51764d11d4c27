"""Snapshots of a running market on disk, from which a killed run goes on to the same tape."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lob.errors import InputError
from sim.files.atomic import whole_file
from sim.market import Snapshot

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

FILE = "snapshot.bin"
_MAGIC = b"OUTCRY-SNAPSHOT\n"
_VERSION = 2
_HEADER = struct.Struct("<QL")
"""Length and CRC of the header, a JSON object."""
_PIECE = struct.Struct("<QQL")
"""Before each piece of the world: its length, that of what follows, and the CRC of that. Nothing follows zeros."""
PIECE_BYTES = 2**20


@dataclass(frozen=True)
class Checkpoint:
    """What belongs to a snapshot.

    Attributes:
        config_hash: of the scenario and seed.
        time_ns: simulated time.
        n_parts: parts of the tape that it covers: 0 to n_parts - 1.
        n_rows: rows in them.
        tape_hash: hash of these rows.
        n_decision_parts: parts of the decisions that it covers.
    """

    config_hash: str
    time_ns: int
    n_parts: int
    n_rows: int
    tape_hash: str
    n_decision_parts: int


def save_checkpoint(folder: Path, point: Checkpoint, snapshot: Snapshot) -> None:
    """Write a snapshot over the one before it; a reader finds the old or the new one, never a half.

    It is written piece by piece: beside the snapshot itself this takes a few MiB of memory.

    Raises:
        RunError: if the disk is full.
    """
    header = {
        "version": _VERSION,
        "world_version": snapshot.format_version,
        "world_bytes": len(snapshot.world),
        "traders": snapshot.traders,
        "definition": snapshot.definition,
        "last_row": snapshot.last_row.hex(),
        **asdict(point),
    }
    text = json.dumps(header).encode()
    with whole_file(folder / FILE) as file:
        file.write(b"".join((_MAGIC, _HEADER.pack(len(text), zlib.crc32(text)), text)))
        for piece in _pieces(snapshot.world):
            file.write(piece)


def _pieces(world: bytes | memoryview) -> Iterator[bytes]:
    """Yield a world piece by piece: stretches of zeros by their length alone, since most of a world is zeros."""
    block = np.frombuffer(world, np.uint8)
    zeros = 0
    for start in range(0, len(block), PIECE_BYTES):
        piece = block[start : start + PIECE_BYTES]
        if not piece.any():
            zeros += len(piece)
            continue
        if zeros:
            yield _PIECE.pack(zeros, 0, 0)
            zeros = 0
        data = zlib.compress(piece.data, 1)  # the run waits meanwhile
        yield _PIECE.pack(len(piece), len(data), zlib.crc32(data)) + data
    if zeros:
        yield _PIECE.pack(zeros, 0, 0)


def load_checkpoint(folder: Path) -> tuple[Checkpoint, Snapshot] | None:
    """Return the snapshot of a run folder, None if there is none.

    Raises:
        InputError: if the file is damaged or of another version.
    """
    path = folder / FILE
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        try:
            return _read(file, path)
        except (ValueError, KeyError, TypeError, struct.error, zlib.error, MemoryError) as error:
            raise InputError(f"{path}: damaged ({error}); delete it to start the run over") from None


def _read(file: BinaryIO, path: Path) -> tuple[Checkpoint, Snapshot]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("not a snapshot")
    length, crc = _HEADER.unpack(file.read(_HEADER.size))
    text = file.read(min(length, path.stat().st_size))
    if zlib.crc32(text) != crc:
        raise ValueError("the header is not what was written")
    header = json.loads(text)
    version = header.pop("version")
    if version != _VERSION:
        raise InputError(f"{path}: snapshot version {version}; allowed: {_VERSION}")
    world = np.zeros(header.pop("world_bytes"), np.uint8)
    position = 0
    while position < len(world):
        n_bytes, n_stored, crc = _PIECE.unpack(file.read(_PIECE.size))
        if not 0 < n_bytes <= len(world) - position or n_stored > 2 * PIECE_BYTES:
            raise ValueError("a piece of the world is too long")
        if n_stored:
            data = file.read(n_stored)
            if zlib.crc32(data) != crc:
                raise ValueError("a piece of the world is not what was written")
            world[position : position + n_bytes] = np.frombuffer(zlib.decompress(data), np.uint8)
        position += n_bytes
    if file.read(1):
        raise ValueError("more follows than was written")
    snapshot = Snapshot(
        header.pop("world_version"), world.data, header.pop("traders"), header.pop("definition"),
        bytes.fromhex(header.pop("last_row")),
    )  # fmt: skip
    return Checkpoint(**header), snapshot
