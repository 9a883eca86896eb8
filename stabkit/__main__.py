"""``python -m stabkit``: the command line."""

from stabkit.cli import run

if __name__ == "__main__":
    run()
