"""Monotone beside nonmonotone fluxes in certified diffusion blocks that denoise (alt2021, 2.5).

The fluxes of a family are trained one by one; the one with the smallest error on parts that were
held out for this choice is measured on parts that no one has seen.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from experiments.measuring import SEEDS, compared, line, train
from stabkit import EUCLIDEAN, fluxes
from stabkit.torch import Activation, DiffusionBlock, Stencil
from stabkit.torch.samples import recordings

FAMILIES = {"monotone": (fluxes.charbonnier, fluxes.soft),
            "nonmonotone": (fluxes.perona_malik, fluxes.garrote)}
NOISE, CONTRAST, BLOCKS = 0.1, 0.2, 4
#: Size of a part, channels and taps of a stencil, batches of 32 parts.
SETTINGS = {"signals": (64, 4, (5,), 250), "photographs": (20, 6, (3, 3), 150)}


@cache
def parts(kind: str) -> Tensor:
    """Recordings in pieces, shape (pieces, 1, \\*grid), with values in [0, 1]."""
    size = SETTINGS[kind][0]
    found = recordings()
    if kind == "signals":  # the heart beat, and the temperatures of the sea
        lines = [found[name].flatten() for name in ("ecg", "nino")]
        return torch.cat([each[:len(each) // size * size].reshape(-1, 1, size) for each in lines])
    pictures = import_module("sklearn.datasets").load_sample_images().images
    grey = [torch.from_numpy(each.mean(2) / 255).float() for each in pictures]
    grey += [found[name][0, 0] for name in ("camera", "ascent", "aero")]
    # Every second pixel of means of 2×2: the pictures have little on their own grid to keep.
    coarse = [nn.functional.avg_pool2d(each[None, None], 2) for each in grey]
    pieces = [each.unfold(2, size, size).unfold(3, size, size).reshape(-1, 1, size, size)
              for each in coarse]
    return torch.cat(pieces)


@cache
def errors(kind: str, seed: int) -> dict[str, tuple[float, float]]:
    """Of every flux: mean squared error over that of the noise, for the choice and on the rest."""
    torch.manual_seed(seed)
    _, channels, taps, steps = SETTINGS[kind]
    pieces = parts(kind)[torch.randperm(len(parts(kind)))]
    split = [len(pieces) * part // 10 for part in (6, 8)]
    noisy = pieces + NOISE * torch.randn_like(pieces)
    begun = torch.random.get_rng_state()
    found = {}
    for make in (*FAMILIES["monotone"], *FAMILIES["nonmonotone"]):
        torch.random.set_rng_state(begun)  # the same stencils and batches for every flux
        model = nn.Sequential(*(DiffusionBlock(Stencil(1, channels, taps), Activation(
            make, CONTRAST), EUCLIDEAN) for _ in range(BLOCKS)))
        fresh = pieces[:split[0]].repeat(8, *[1] * (pieces.ndim - 1))
        train(model, fresh + NOISE * torch.randn_like(fresh), fresh, mse_loss, steps, batch=32)
        with torch.no_grad():
            chosen, rest = (float(mse_loss(model(noisy[place]), pieces[place])) / NOISE**2
                            for place in (slice(*split), slice(split[1], None)))
        found[make.__name__] = chosen, rest
    return found


def of_family(kind: str, family: str) -> list[float]:
    """The error on the rest of the flux that was chosen, for every seed."""
    return [min(errors(kind, seed)[make.__name__] for make in FAMILIES[family])[1]
            for seed in SEEDS]


def tables() -> list[str]:
    """Errors of every flux and of the chosen ones, in per cent of the noise's energy."""
    made = [f"noise of standard deviation {NOISE} on values in [0, 1]; {BLOCKS} blocks"]
    for kind in SETTINGS:
        made.append(f"{kind}: {len(parts(kind))} parts")
        made += [line(f"  {make.__name__}", [errors(kind, seed)[make.__name__][1]
                                             for seed in SEEDS])
                 for makes in FAMILIES.values() for make in makes]
        both = [of_family(kind, family) for family in FAMILIES]
        made += [line(f"  {family}, as chosen", values)
                 for family, values in zip(FAMILIES, both, strict=True)]
        made.append(compared("nonmonotone beside monotone", *reversed(both)))
    return made
