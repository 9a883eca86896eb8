"""The tables behind the claims of ``experiments/claims.py``: ``python -m experiments [NAME ...]``.

Means, halves of 95 % confidence intervals and standard deviations over five seeds; differences are
those seed by seed; ``together`` has the p-values of all statements.  Some minutes of one thread.
Needs the extras ``torch`` and ``samples``.
"""

from __future__ import annotations

import argparse
from time import process_time

import torch

from experiments import (
    across_grids,
    certificates,
    denoising,
    mgnet_beside_resnet,
    three_networks,
    together,
)
from experiments.measuring import SEEDS

TABLES = {module.__name__.rpartition(".")[2]: module.tables for module in (
    three_networks, across_grids, mgnet_beside_resnet, denoising, certificates, together)}


def main() -> None:
    """Run those that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(TABLES))
    names = parser.parse_args().names or list(TABLES)
    if unknown := set(names) - set(TABLES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    torch.set_num_threads(1)
    print(f"seeds {list(SEEDS)}, PyTorch {torch.__version__}")
    for name in names:
        began = process_time()
        rows = TABLES[name]()
        print(f"\n{name.replace('_', ' ')} ({process_time() - began:.0f} s of processor time)")
        print("\n".join(rows), flush=True)


if __name__ == "__main__":
    main()
