"""Order data in other people's formats: writers of a tape, each a sink of its rows, and one door for recordings."""

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
