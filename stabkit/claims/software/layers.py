"""Normalised layers of networks: PyTorch and Keras."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import claim
from stabkit.claims.configurations import ONE
from stabkit.claims.related_classes import AnyOrthogonal
from stabkit.operators import DIRICHLET, PERIODIC, channel_convolution, from_matrix
from stabkit.proof.words import Expression
from stabkit.schemes import Linear
from stabkit.stability.notions import EUCLIDEAN
from stabkit.stability.property import Calculation, NormAtMost, Stable
from stabkit.stability.verdict import REFUTED

SPECTRAL = ("PyTorch 2.13, torch.nn.utils.parametrizations.spectral_norm (issue 99149, and "
            "torch.nn.utils.spectral_norm)")
REDUCING = ("Spectral normalization stabilizes the training of discriminators (critics) in "
            "Generative Adversarial Networks (GANs) by reducing the Lipschitz constant of the "
            "model. [...] If the dimension of the weight tensor is greater than 2, it is reshaped "
            "to 2D in power iteration method to get spectral norm.")
KERAS = "Keras 3.15.1, keras.layers.SpectralNormalization"
CONTROLS = ("This wrapper controls the Lipschitz constant of the weights of a layer by "
            "constraining their spectral norm")

THIRDS = ((("2/3", "2/3", "1/3"),),)
EQUAL = (((("1/3",) * 3,) * 3,),)
CHANNELS = ((("3/5", "0", "0"), ("0", "4/5", "0")), (("0", "0", "4/5"), ("3/5", "0", "0")))
KERNELS = (THIRDS, CHANNELS, EQUAL)


def convolve(kernel, boundary=PERIODIC):
    """A convolution of a signal of 4 samples, or an image of 4 x 4, per channel."""
    exact = fractions(kernel, "kernel")
    return channel_convolution(exact, 4 if exact.ndim == 3 else (4, 4), boundary)


def _taps(kernel) -> int:
    return int(np.prod(fractions(kernel).shape[2:]))


@claim(SPECTRAL, notion="euclidean", quote=REDUCING, expect=REFUTED, within=dict(kernel=KERNELS))
def torch_spectral_norm_makes_convolutions_nonexpansive(kernel):
    """A convolution (stride 1, circular padding) whose kernel has the spectral norm 1 after it is
    reshaped to c_out × (c_in · taps) has ‖K u‖ <= ‖u‖ for every u."""
    return NormAtMost(convolve(kernel), 1)


@claim(f"derived ({SPECTRAL})", notion="euclidean",
       within=dict(kernel=KERNELS, boundary=(PERIODIC, DIRICHLET), share=(ONE,)),
       beyond=dict(kernel=(EQUAL,), boundary=(PERIODIC,), share=(Fraction(999, 1000),)))
def torch_spectral_norm_makes_convolutions_nonexpansive_corrected(kernel, boundary, share):
    """With the kernel reshaped to spectral norm 1 and t taps, ‖K u‖² <= t‖u‖² for circular and zero
    padding, so dividing the kernel by √t makes the layer nonexpansive; here ‖K‖² <= share · t, and
    equal taps attain it."""
    return NormAtMost(convolve(kernel, boundary), share * _taps(kernel))


@claim(f"derived ({SPECTRAL})", notion="spectrum", weight="minor", within=dict(kernel=KERNELS))
def torch_kernels_have_spectral_norm_one_after_reshaping(kernel):
    """The kernels above, reshaped to W of shape c_out × (c_in · taps), have ‖W‖ = 1 exactly."""
    exact = fractions(kernel)
    flat, rows = exact.reshape(len(exact), -1), len(exact)
    return Calculation(dict(W=flat), [("G", "W @ W.T")],
                       [f"psd(I({rows}) - G)", f"det(I({rows}) - G) == 0"],
                       "1 is the largest eigenvalue of W W'", necessary=True)


@claim(KERAS, notion="euclidean", quote=CONTROLS, expect=REFUTED, within=dict(kernel=KERNELS))
def keras_spectral_normalization_makes_convolutions_nonexpansive(kernel):
    """A convolution (stride 1, circular padding) whose kernel has the spectral norm 1 after it is
    reshaped to (taps · c_in) × c_out has ‖K u‖ <= ‖u‖ for every u."""
    return NormAtMost(convolve(kernel), 1)


@claim(f"derived ({KERAS})", notion="euclidean",
       within=dict(kernel=KERNELS, boundary=(PERIODIC, DIRICHLET), share=(ONE,)),
       beyond=dict(kernel=(EQUAL,), boundary=(PERIODIC,), share=(Fraction(999, 1000),)))
def keras_spectral_normalization_makes_convolutions_nonexpansive_corrected(kernel, boundary,
                                                                           share):
    """With spectral norm 1 after reshaping to (taps · c_in) × c_out and t taps, ‖K u‖² <= t‖u‖²
    for circular and zero padding: the kernel has to be divided by √t; here ‖K‖² <= share · t."""
    return NormAtMost(convolve(kernel, boundary), share * _taps(kernel))


ORTHOGONAL = "PyTorch 2.13, torch.nn.utils.parametrizations.orthogonal"
BATCH = ("If the tensor has more than two dimensions, we consider it as a batch of matrices of "
         "shape (..., m, n).")
UNIT = ((((1, 0, 0), (0, 1, 0), (0, 0, 1)),),)
ROTATION = (((("3/5", "4/5", "0"), ("-4/5", "3/5", "0"), ("0", "0", "1")),),)


@claim(f"derived ({ORTHOGONAL}, on the weight of a convolution)", notion="euclidean", quote=BATCH,
       expect=REFUTED, within=dict(kernel=(UNIT, ROTATION)))
def torch_orthogonal_makes_convolutions_nonexpansive(kernel):
    """A convolution (stride 1, circular padding) whose k × k kernels are orthogonal matrices has
    ‖K u‖ <= ‖u‖ for every u.  PyTorch says that it treats them so, not that the layer is then
    orthogonal."""
    return NormAtMost(convolve(kernel), 1)


@claim(f"derived ({ORTHOGONAL}, on the weight of a convolution)", notion="euclidean",
       within=dict(kernel=(UNIT, ROTATION), boundary=(PERIODIC, DIRICHLET), share=(ONE,)),
       beyond=dict(kernel=(UNIT,), boundary=(PERIODIC,), share=(Fraction(999, 1000),)))
def torch_orthogonal_makes_convolutions_nonexpansive_corrected(kernel, boundary, share):
    """A convolution from one channel to one whose k × k kernel is an orthogonal matrix Q has
    ‖K u‖ <= k‖u‖, as its symbol is xᵀQy with |x|, |y| <= √k: divided by k it is nonexpansive; here
    ‖K‖² <= share · k², and Q = I attains it."""
    return NormAtMost(convolve(kernel, boundary), share * _taps(kernel))


@claim(ORTHOGONAL, notion="euclidean",
       quote="In plain words, Q will have orthonormal columns whenever m >= n and orthonormal rows "
             "otherwise.",
       within=dict(Q=((("3/5", "4/5"), ("-4/5", "3/5")), (("0", "1"), ("1", "0")))),
       for_all=dict(Q=AnyOrthogonal()))
def torch_orthogonal_linear_layers_are_nonexpansive(Q):
    """A linear layer (without bias) with an orthogonal square weight Q has ‖Q u‖ <= ‖u‖ for
    every u."""
    made: Any = Q if isinstance(Q, Expression) else from_matrix(Q, label="Q")
    return Stable(Linear(made), EUCLIDEAN)
