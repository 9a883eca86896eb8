"""The residual network of haber2017 on 2-D images, and its derivative products.

Y_{j+1} = Y_j + δσ(K_j Y_j + b_j)  (2.9): every K_j is a convolution with 3×3 stencils between all
channels, b_j one number per channel.  The derivatives are those of (3.13) in their corrected form
(the identity belongs to the derivative by the features only):

    ∂Y⁺[V]  = V + δσ′ ⊙ (K V)      transposed   W + Kᵀ(δσ′ ⊙ W)
    ∂K⁺[V]  = δσ′ ⊙ (V Y)          transposed   (δσ′ ⊙ W) Yᵀ
    ∂b⁺[v]  = δσ′ ⊙ v              transposed   Σ δσ′ ⊙ W

No matrix is formed; in fractions and with a rational σ all of it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stabkit.aliases import Array, Rational, Signal
from stabkit.arithmetic.backend import beside, is_foreign, namespace, within_memory
from stabkit.errors import InvalidArgument
from stabkit.fluxes import tanh
from stabkit.fluxes.flux import Flux
from stabkit.learning.images import (
    adjoint,
    as_images,
    check_padding,
    correlate,
    correlate_patches,
    kernel_adjoint,
    patches,
)
from stabkit.operators import PERIODIC, Boundary
from stabkit.schemes import as_step

WIDTH = 3


@dataclass(frozen=True, eq=False)
class LayerDerivative:
    """The products of (3.13) with the derivatives of one layer at the features Y.

    Attributes
    ----------
    kernel : ndarray, shape (channels, channels, 3, 3)
        K.
    seen : ndarray, shape (samples, 9 · channels, rows · columns)
        The patches of Y.
    gain : ndarray, shape (samples, channels, rows, columns)
        δσ′(K Y + b).
    """

    kernel: np.ndarray
    seen: np.ndarray
    gain: np.ndarray
    boundary: Boundary

    def features(self, v: np.ndarray) -> np.ndarray:
        """V + δσ′ ⊙ (K V), V shaped as the features."""
        return v + self.gain * correlate(self.kernel, v, self.boundary)

    def features_adjoint(self, w: np.ndarray) -> np.ndarray:
        """W + Kᵀ(δσ′ ⊙ W)."""
        return w + correlate(adjoint(self.kernel), self.gain * w, self.boundary)

    def weights(self, v: np.ndarray) -> np.ndarray:
        """δσ′ ⊙ (V Y), V shaped as the kernel."""
        moved = correlate_patches(v, self.seen)
        return self.gain * namespace(moved).reshape(moved, self.gain.shape)

    def weights_adjoint(self, w: np.ndarray) -> np.ndarray:
        """(δσ′ ⊙ W) Yᵀ, summed over samples and pixels."""
        return kernel_adjoint(self.gain * w, self.seen, self.kernel.shape)

    def bias(self, v: np.ndarray) -> np.ndarray:
        """δσ′ ⊙ v, one number per channel."""
        return self.gain * beside(v, self.gain)[:, None, None]

    def bias_adjoint(self, w: np.ndarray) -> np.ndarray:
        """The sum of δσ′ ⊙ W over samples and pixels."""
        return namespace(w).sum(self.gain * w, axis=(0, 2, 3))


@dataclass(frozen=True, eq=False)
class Linearisation:
    """Features of a network and the products with their derivative, J v and Jᵀ w.

    Attributes
    ----------
    features : ndarray, shape (samples, channels, rows, columns)
        Y after the last layer.
    layers : tuple of LayerDerivative
    """

    network: ResidualNetwork
    features: np.ndarray
    layers: tuple[LayerDerivative, ...]

    def forward(self, direction: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """The derivative in the direction of a change of the weights and, if given, of Y₀.

        Parameters
        ----------
        direction : ndarray, shape (network.size,)
        start : ndarray, shape (samples, channels, rows, columns), optional
        """
        moved: Any = start
        pairs = self.network._weights(direction, self.features)
        for layer, (kernel, bias) in zip(self.layers, pairs, strict=True):
            own = layer.weights(kernel) + layer.bias(bias)
            moved = own if moved is None else own + layer.features(moved)
        return moved

    def adjoint(self, w: np.ndarray) -> np.ndarray:
        """Jᵀ w for the weights, shape (network.size,)."""
        return self._pull_back(w)[0]

    def start_adjoint(self, w: np.ndarray) -> np.ndarray:
        """Jᵀ w for Y₀, in the shape of the features."""
        return self.layers[0].features_adjoint(self._pull_back(w)[1])

    def _pull_back(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Jᵀ w for the weights, and what is left of w behind the first layer.
        stencils, biases = [], []
        for layer in reversed(self.layers):
            stencils.append(layer.weights_adjoint(w))
            biases.append(layer.bias_adjoint(w))
            if layer is not self.layers[0]:
                w = layer.features_adjoint(w)
        xp = namespace(w)
        return self.network.pack(xp.stack(stencils[::-1]), xp.stack(biases[::-1])), w


@dataclass(frozen=True, eq=False)
class ResidualNetwork:
    """Y⁺ = Y + δσ(K Y + b), a few layers, from images to features.

    The opening L of (1.1) is fixed: every channel starts as the image itself.

    Parameters
    ----------
    layers, channels : int
    delta : rational
        δ.
    activation : Flux
        σ.
    boundary : Boundary
        ``PERIODIC`` or ``DIRICHLET``.

    Examples
    --------
    >>> network = ResidualNetwork(layers=2, channels=3)
    >>> network.size, network(network.initial(seed=0), np.zeros((5, 3, 8, 8))).shape
    (168, (5, 3, 8, 8))
    """

    layers: int = 2
    channels: int = 4
    delta: Rational = 1
    activation: Flux = field(default_factory=tanh)
    boundary: Boundary = PERIODIC

    def __post_init__(self) -> None:
        for name in ("layers", "channels"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise InvalidArgument(f"{name}: must be a positive integer, got "
                                      f"{getattr(self, name)!r}")
        object.__setattr__(self, "delta", as_step(self.delta, "delta"))
        check_padding(self.boundary)

    # -- weights -------------------------------------------------------------------------------
    @property
    def size(self) -> int:
        """The number of weights."""
        return self.layers * self.channels * (self.channels * WIDTH**2 + 1)

    def initial(self, seed: int, spread: float = 1.0) -> np.ndarray:
        """Random weights: stencils of variance spread²/(9 · channels), zero biases."""
        rng = np.random.default_rng(seed)
        shape = (self.layers, self.channels, self.channels, WIDTH, WIDTH)
        stencils = rng.standard_normal(shape) * spread / np.sqrt(self.channels * WIDTH**2)
        return self.pack(stencils, np.zeros((self.layers, self.channels)))

    def pack(self, stencils: np.ndarray, biases: np.ndarray) -> np.ndarray:
        """Stencils (layers, channels, channels, 3, 3) and biases (layers, channels) as a vector."""
        xp = namespace(stencils, biases)
        return xp.concat([xp.reshape(part, (-1,)) for part in (stencils, biases)])

    def unpack(self, theta: Signal) -> tuple[np.ndarray, np.ndarray]:
        """The stencils and biases in a vector of weights, the inverse of :meth:`pack`."""
        theta = theta if is_foreign(theta) else np.asarray(theta)
        if theta.shape != (self.size,):
            raise InvalidArgument(f"theta: must have shape ({self.size},), got {theta.shape}")
        count = self.size - self.layers * self.channels
        reshape, shape = namespace(theta).reshape, (self.layers, self.channels)
        return (reshape(theta[:count], (*shape, self.channels, WIDTH, WIDTH)),
                reshape(theta[count:], shape))

    def _weights(self, theta: Signal, y: Signal) -> list[tuple[Array, Array]]:
        # Stencil and biases of every layer, in the library of the features.
        stencils, biases = self.unpack(beside(theta, y))
        return [(stencils[i, ...], biases[i, ...]) for i in range(self.layers)]

    # -- propagation ---------------------------------------------------------------------------
    def open(self, images: Signal) -> np.ndarray:
        """Y₀ = L x: the image in every channel.

        Parameters
        ----------
        images : ndarray, shape (samples, rows, columns)

        Returns
        -------
        ndarray, shape (samples, channels, rows, columns)
        """
        array = images if is_foreign(images) else np.asarray(images)
        if array.ndim != 3:
            raise InvalidArgument("images: must have shape (samples, rows, columns), got "
                                  f"{array.shape}")
        return as_images(namespace(array).stack([array] * self.channels, axis=1))

    def __call__(self, theta: Signal, start: Signal) -> np.ndarray:
        """The features after the last layer.

        Parameters
        ----------
        theta : ndarray, shape (size,)
        start : ndarray, shape (samples, channels, rows, columns)
            Y₀.
        """
        y = as_images(start, self.channels, "start")
        for kernel, bias in self._weights(theta, y):
            with within_memory(y, "start"):
                z = correlate(kernel, y, self.boundary) + bias[:, None, None]
                y = y + self.delta * self.activation(z)
        return y

    def linearise(self, theta: Signal, start: Signal) -> Linearisation:
        """The features and the derivative of the network at `theta` and Y₀ = `start`."""
        y = as_images(start, self.channels, "start")
        layers = []
        for kernel, bias in self._weights(theta, y):
            with within_memory(y, "start"):
                seen = patches(y, WIDTH, self.boundary)
                z = correlate_patches(kernel, seen)
                z = namespace(y).reshape(z, y.shape) + bias[:, None, None]
                gain = self.delta * self.activation.slope(z)
                layers.append(LayerDerivative(kernel, seen, gain, self.boundary))
                y = y + self.delta * self.activation(z)
        return Linearisation(self, y, tuple(layers))
