"""MgNet and V-MgNet (he2019) with learned convolutions; the algorithms are stabkit.multigrid's."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stabkit.errors import InvalidArgument
from stabkit.multigrid.mgnet import Grid, SingleStep, mgnet, v_mgnet
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
        Batch normalisation before every activation, as in the paper's experiments.
    """

    def __init__(self, channels: int, features: int = 16, data: int = 16, grids: int = 3,
                 steps: int = 2, classes: int | None = None, normalised: bool = True):
        super().__init__()
        for name, count in (("channels", channels), ("features", features), ("data", data),
                            ("grids", grids), ("steps", steps),
                            ("classes", 1 if classes is None else classes)):
            as_count(count, name)
        self.channels, self.features, self.steps = channels, features, steps

        self.normalised = normalised
        self.opening = self._normalise(_convolution(channels, data), data)
        self.A = nn.ModuleList(_convolution(features, data) for _ in range(grids))
        self.B = nn.ModuleList(self._extractors(data) for _ in range(grids))
        self.R = nn.ModuleList(self._normalise(_convolution(data, data, 2), data)
                               for _ in range(grids - 1))
        self.Pi = nn.ModuleList(self._normalise(_convolution(features, features, 2), features)
                                for _ in range(grids - 1))
        self.head = None if classes is None else nn.Linear(features, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Scores (batch, classes), or the features u^J, for images (batch, channels, ...)."""
        check_signals(images, self.channels, 2, "images", next(self.parameters()))
        u = mgnet(images, self.grids(), f_in=self._open, start=self._zeros)[-1].last
        return self._scores(u)

    def grids(self) -> list[Grid]:
        """The maps of every grid, as :func:`stabkit.multigrid.mgnet` takes them."""
        return [Grid(A, SingleStep(tuple(B.children())), R, Pi) for A, B, R, Pi in zip(
            self.A, self.B, [*self.R, None], [*self.Pi, None], strict=True)]

    def _extractors(self, data: int) -> nn.ModuleList:
        """B = σ∘η∘σ (6.26) of all steps on a grid; normalised, σ∘N∘η∘σ∘N.

        A has no N: the same A meets u = 0 and features of any size, so its statistics would be
        those of none of them.
        """
        def map_of_level() -> nn.Module:
            eta = self._normalise(_convolution(data, self.features), self.features)
            before = [nn.BatchNorm2d(data)] if self.normalised else []
            return nn.Sequential(*before, nn.ReLU(), eta, nn.ReLU())

        return nn.ModuleList(map_of_level() for _ in range(self.steps))

    def _normalise(self, convolution: nn.Conv2d, channels: int) -> nn.Module:
        return nn.Sequential(convolution, nn.BatchNorm2d(channels)) if self.normalised \
            else convolution

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
        self.post = nn.ModuleList(self._extractors(data) for _ in range(grids - 1))

    def forward(self, images: Tensor) -> Tensor:
        """Scores (batch, classes), or the features on the finest grid."""
        check_signals(images, self.channels, 2, "images", next(self.parameters()))
        return self._scores(v_mgnet(images, self.grids_on(tuple(images.shape[2:])),
                                    f_in=self._open, start=self._zeros))

    def grids_on(self, shape: tuple[int, ...]) -> list[Grid]:
        """The maps of every grid for images of that size."""
        made = []
        for grid, P, post in zip(self.grids(), [*self.P, None], [*self.post, None], strict=True):
            up = None if P is None else partial(prolong, weight=P, shape=shape)
            after = None if post is None else SingleStep(tuple(post.children()))
            made.append(Grid(grid.A, grid.extraction, grid.R, grid.Pi, up, after))
            shape = tuple(-(-n // 2) for n in shape)
        return made


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    made = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    return made


def prolong(u: Tensor, weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The adjoint of the convolution with stride 2 and zeros outside, onto a fine grid."""
    missing = [n - (2 * m - 1) for n, m in zip(shape, u.shape[2:], strict=True)]
    if any(each not in (0, 1) for each in missing):
        raise InvalidArgument(f"shape: {shape} is no fine grid of {tuple(u.shape[2:])}")
    return F.conv_transpose2d(u, weight, stride=2, padding=1, output_padding=missing)
