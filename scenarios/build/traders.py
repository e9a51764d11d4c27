"""From a scenario's [[trader]] table to what makes its traders."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from lob.errors import InputError
from scenarios.schema.load import plain_text, validate
from sim.trader import Trader
from sim.trader_settings import INDEX, arguments_of, settings_model

__all__ = ["trader_maker"]


def trader_maker(trader: type[Trader], settings: dict[str, Any], file: str, path: str) -> Callable[[int], Trader]:
    """Return what makes the traders of a population; those whose constructor has an argument `index` are told theirs.

    Args:
        trader: their class.
        settings: of the scenario, with absolute paths.
        file: in which they stand, for messages.
        path: dotted, of the place in it.

    Raises:
        InputError: if they are not what the class takes. What its constructor alone can find wrong is told in the same
            way when the market is made.
    """
    arguments = arguments_of(validate(settings_model(trader), settings, file, path), settings)
    told_index = INDEX in inspect.signature(trader).parameters and INDEX not in arguments

    def refusal(error: Exception) -> InputError:
        told = plain_text(" ".join(str(error).split()))
        return InputError(f"{file}: {path}: {trader.__name__} refused them ({told})")

    def make(index: int) -> Trader:
        try:
            return trader(**({INDEX: index} if told_index else {}), **arguments)
        except InputError:
            raise
        except (TypeError, ValueError) as error:
            raise refusal(error) from None

    try:
        trader.check_settings(arguments)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise refusal(error) from None
    return make
