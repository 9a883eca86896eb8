"""MgNet and V-MgNet (he2019) with learned convolutions; the algorithms are stabkit.multigrid's."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stabkit.errors import InvalidArgument
from stabkit.multigrid.mgnet import Grid, SingleStep, mgnet, v_mgnet
from stabkit.multigrid.network import extractor
from stabkit.schemes.scheme import as_count
from stabkit.torch.signals import check_signals


class MgNet(nn.Module):
    """MgNet for images (he2019, Algorithm 3): u ← u + σ∘η∘σ(f − A u) on ever coarser grids.

    A is shared by the steps of a grid; R and Π are convolutions with stride 2.

    Parameters
    ----------
    channels : int
        Of the images.
    features, data : int
        c_u and c_f, the channels of u and f.
    grids : int
        How many.
    steps : int
        ν, on every grid.
    classes : int, optional
        With it the scores of a linear classifier of the channels' means come out, else u^J.
    normalised : bool
        Batch normalisation after every convolution, as in the paper's experiments.
    """

    def __init__(self, channels: int, features: int = 16, data: int = 16, grids: int = 3,
                 steps: int = 2, classes: int | None = None, normalised: bool = True):
        super().__init__()
        for name, count in (("channels", channels), ("features", features), ("data", data),
                            ("grids", grids), ("steps", steps)):
            as_count(count, name)
        self.channels, self.features, self.steps = channels, features, steps

        def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
            made = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
            return nn.Sequential(made, nn.BatchNorm2d(outputs)) if normalised else made

        self.opening = convolution(channels, data)
        self.A = nn.ModuleList(convolution(features, data) for _ in range(grids))
        self.eta = nn.ModuleList(nn.ModuleList(convolution(data, features) for _ in range(steps))
                                 for _ in range(grids))
        self.R = nn.ModuleList(convolution(data, data, 2) for _ in range(grids - 1))
        self.Pi = nn.ModuleList(convolution(features, features, 2) for _ in range(grids - 1))
        self.head = None if classes is None else nn.Linear(features, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Scores (batch, classes), or the features u^J, for images (batch, channels, ...)."""
        check_signals(images, self.channels, 2, "images")
        u = mgnet(images, self.grids(), f_in=self._open, start=self._zeros)[-1].last
        return self._scores(u)

    def grids(self) -> list[Grid]:
        """The maps of every grid, as :func:`stabkit.multigrid.mgnet` takes them."""
        return [Grid(A, self._extraction(eta), R, Pi) for A, eta, R, Pi in zip(
            self.A, self.eta, [*self.R, None], [*self.Pi, None], strict=True)]

    @staticmethod
    def _extraction(eta: nn.Module) -> SingleStep:
        return SingleStep(tuple(extractor(each, torch.relu) for each in eta.children()))

    def _open(self, images: Tensor) -> Tensor:
        return torch.relu(self.opening(images))

    def _zeros(self, f: Tensor) -> Tensor:
        return f.new_zeros(f.shape[0], self.features, *f.shape[2:])

    def _scores(self, u: Tensor) -> Tensor:
        return u if self.head is None else self.head(u.mean((2, 3)))


class VMgNet(MgNet):
    """V-MgNet (he2019, Algorithm 4): MgNet, then corrections and smoothing back to the finest grid.

    P is the adjoint of a convolution with stride 2.

    Parameters
    ----------
    channels, features, data, grids, steps, classes, normalised
        As for :class:`MgNet`; every grid but the coarsest has `steps` more on the way up.
    """

    def __init__(self, channels: int, features: int = 16, data: int = 16, grids: int = 3,
                 steps: int = 2, classes: int | None = None, normalised: bool = True):
        super().__init__(channels, features, data, grids, steps, classes, normalised)
        self.P = nn.ParameterList(torch.empty(features, features, 3, 3) for _ in range(grids - 1))
        for weight in self.P:
            nn.init.kaiming_normal_(weight)

        def convolution() -> nn.Module:
            made = nn.Conv2d(data, features, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
            return nn.Sequential(made, nn.BatchNorm2d(features)) if normalised else made

        self.post = nn.ModuleList(nn.ModuleList(convolution() for _ in range(steps))
                                  for _ in range(grids - 1))

    def forward(self, images: Tensor) -> Tensor:
        """Scores (batch, classes), or the features on the finest grid."""
        check_signals(images, self.channels, 2, "images")
        return self._scores(v_mgnet(images, self.grids_on(tuple(images.shape[2:])),
                                    f_in=self._open, start=self._zeros))

    def grids_on(self, shape: tuple[int, ...]) -> list[Grid]:
        """The maps of every grid for images of that size."""
        made = []
        for grid, P, post in zip(self.grids(), [*self.P, None], [*self.post, None], strict=True):
            up = None if P is None else partial(prolong, weight=P, shape=shape)
            after = None if post is None else self._extraction(post)
            made.append(Grid(grid.A, grid.extraction, grid.R, grid.Pi, up, after))
            shape = tuple(-(-n // 2) for n in shape)
        return made


def prolong(u: Tensor, weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The adjoint of the convolution with stride 2 and zeros outside, onto a fine grid."""
    missing = [n - (2 * m - 1) for n, m in zip(shape, u.shape[2:], strict=True)]
    if any(each not in (0, 1) for each in missing):
        raise InvalidArgument(f"shape: {shape} is no fine grid of {tuple(u.shape[2:])}")
    return F.conv_transpose2d(u, weight, stride=2, padding=1, output_padding=missing)
