"""Order data in other people's formats: writers of a tape, each a sink of its rows, and one door for recordings."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from sim.formats.built_book import with_book
    from sim.formats.dbn import DbnWriter, read_dbn
    from sim.formats.hftbacktest import HftbacktestWriter, read_hftbacktest
    from sim.formats.itch import ItchWriter
    from sim.formats.lobster import LobsterOptions, LobsterWriter
    from sim.formats.reading import ReadOptions, read_recording, read_recordings

__all__ = [
    "DbnWriter",
    "HftbacktestWriter",
    "ItchWriter",
    "LobsterOptions",
    "LobsterWriter",
    "ReadOptions",
    "read_dbn",
    "read_hftbacktest",
    "read_recording",
    "read_recordings",
    "with_book",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "built_book": "with_book",
        "dbn": "DbnWriter read_dbn",
        "hftbacktest": "HftbacktestWriter read_hftbacktest",
        "itch": "ItchWriter",
        "lobster": "LobsterOptions LobsterWriter",
        "reading": "ReadOptions read_recording read_recordings",
    },
)
