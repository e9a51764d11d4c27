"""`outcry train`: one command per module of this folder."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

__all__ = ["group"]


def group() -> Any:
    """Return the Typer application that holds the commands of the modules beside this file."""
    import typer

    app = typer.Typer(help="Train the models that come with Outcry.", no_args_is_help=True, rich_markup_mode=None)

    @app.callback()
    def _keep_names() -> None:
        """Train the models that come with Outcry."""

    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        app.command(module.name)(importlib.import_module(f"{__name__}.{module.name}").command)
    return app
