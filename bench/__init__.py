"""Speed and theory, measured: `python -m bench NAME`."""
