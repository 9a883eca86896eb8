"""Throw many inputs at one way into the package: ``python tests/fuzz DOOR --inputs 100000``."""

import os
import resource
import sys
import warnings
from pathlib import Path

sys.path[1:1] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
os.environ.setdefault("STABKIT_THREADS", "1")

import click  # noqa: E402
from doors import DOORS  # noqa: E402
from driving import drive  # noqa: E402

MEMORY = 12 << 30  # bytes of address space: what takes more fails, and is a find


@click.command()
@click.argument("door", type=click.Choice(sorted(DOORS)))
@click.option("--inputs", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--seconds", type=float, default=float("inf"), help="Stop after so long.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(door, inputs, seconds, seed):
    """Only errors of the package may come out of DOOR, in time, and memory must stay flat.

    Prints how many inputs were tried and what came of them; exits with 1 if there are finds.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    count = drive(DOORS[door](), inputs, seed, seconds)
    click.echo(f"{door}: {count}, seed {seed}")
    for find, item in count.finds.items():
        click.echo(f"  {find}\n      {item}")
    sys.exit(bool(count.finds))


if __name__ == "__main__":
    main()
