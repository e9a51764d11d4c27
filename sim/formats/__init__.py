"""A tape in other people's formats: LOBSTER, Databento MBO (DBN), hftbacktest. Each writer is a sink of tape rows."""

from sim.formats.dbn import DbnWriter, read_dbn
from sim.formats.hftbacktest import HftbacktestWriter, read_hftbacktest
from sim.formats.lobster import LobsterOptions, LobsterWriter

__all__ = ["DbnWriter", "HftbacktestWriter", "LobsterOptions", "LobsterWriter", "read_dbn", "read_hftbacktest"]
