"""`python -m scenarios.cli`: the same as `outcry`."""

from scenarios.cli.main import run_command

if __name__ == "__main__":
    run_command()
