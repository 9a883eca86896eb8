"""What the papers add to training; optimisers, schedules and loaders are PyTorch's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.optim import SGD
from torch.optim.lr_scheduler import StepLR

from stabkit.errors import InvalidArgument, of_kind, several
from stabkit.learning import CrossEntropy, fit
from stabkit.torch.operators import Differences, Stencil


def time_variation(layers: Sequence[nn.Module], alpha1: float, alpha2: float, tau: float = 1e-4,
                   delta: float = 1.0) -> Tensor:
    """The regulariser α₁ ∫ φ_τ(∂ₜθ) dt + (α₂/2) ∫ |θ|² dt of one block (ruthotto2018, eq. (13)).

    φ_τ(x) = √(x² + τ), so that weights are smooth in time up to a few jumps.

    Parameters
    ----------
    layers : sequence of Module
        The layers of the block in the order of time, with as many weights each.
    alpha1, alpha2 : float
        >= 0.
    tau, delta : float
        Positive: smoothing, and the distance of two layers in time.

    Returns
    -------
    Tensor, shape ()
        To be added to the loss.

    See Also
    --------
    stabkit.learning.TimeSmoothness : the same on arrays, with its gradient.
    """
    for name, number in (("alpha1", alpha1), ("alpha2", alpha2), ("tau", tau), ("delta", delta)):
        of_kind(number, Real, name)
    if min(alpha1, alpha2) < 0 or not min(tau, delta) > 0:
        raise InvalidArgument("alpha1, alpha2, tau, delta: need alphas >= 0 and positive tau and "
                              f"delta, got {alpha1}, {alpha2}, {tau} and {delta}")
    layers = several(layers, "layers")
    if not all(isinstance(layer, nn.Module) and any(True for _ in layer.parameters())
               for layer in layers):
        raise InvalidArgument("layers: must be some modules that have weights")
    rows = [torch.cat([each.flatten() for each in layer.parameters()]) for layer in layers]
    if not rows or len({len(row) for row in rows}) > 1:
        raise InvalidArgument("layers: must be some modules with the same number of weights, got "
                              f"{[len(row) for row in rows]}")
    theta = torch.stack(rows)
    rates = (theta[1:] - theta[:-1]) / delta
    return alpha1 * delta * torch.sqrt(rates**2 + tau).sum() \
        + alpha2 / 2 * delta * (theta**2).sum()


@torch.no_grad()
def project_on_box(module: nn.Module, bound: float = 1.0) -> None:
    """Clip all stencils of a module to [−bound, bound], after each step (ruthotto2018, 5).

    It replaces a bound of the step in the paper, and is none: a 3×3 stencil of ones has norm 9.

    Parameters
    ----------
    module : Module
        The weights of its :class:`Stencil`, :class:`Differences` and ``Conv`` parts are clipped.
    bound : float
        Positive.

    Raises
    ------
    InvalidArgument
        Where one of them is parametrised, such as by :func:`stabkit.torch.stable`: its weights
        follow from others, and are bounded by those; nothing is changed then.
    """
    of_kind(module, nn.Module, "module")
    of_kind(bound, Real, "bound")
    if not bound > 0:
        raise InvalidArgument(f"bound: must be positive, got {bound}")
    parts = [part for part in module.modules()
             if isinstance(part, Stencil | Differences | nn.Conv1d | nn.Conv2d)]
    if any(parametrize.is_parametrized(part, "weight") for part in parts):
        raise InvalidArgument("module: has weights that a parametrisation computes, such as that "
                              "of stable, so that they cannot be clipped; remove it, or leave the "
                              "box out")
    for part in parts:
        part.weight.clamp_(-bound, bound)


def momentum_descent(parameters: Iterable[nn.Parameter], rate: float = 0.1, momentum: float = 0.9,
                     epochs: int = 30) -> tuple[SGD, StepLR]:
    """Algorithm 5 of he2019 as PyTorch's optimiser and its schedule, with the paper's numbers.

    The rate is divided by 10 after every 30 epochs.  v ← αv − ηg, w ← w + v is PyTorch's
    v ← αv + g, w ← w − ηv as long as η stays; where it changes, the paper's steps keep the old rate
    in v and PyTorch's do not.

    Returns
    -------
    (SGD, StepLR)
        ``step()`` the first one after every batch, the second after every epoch.
    """
    for name, number in (("rate", rate), ("momentum", momentum), ("epochs", epochs)):
        of_kind(number, Real, name)
    if not (rate > 0 and 0 <= momentum < 1 and epochs >= 1):
        raise InvalidArgument("rate, momentum, epochs: need rate > 0, 0 <= momentum < 1 and epochs "
                              f">= 1, got {rate}, {momentum} and {epochs}")
    parameters = several(parameters, "parameters")
    if not parameters or not all(isinstance(each, Tensor) for each in parameters):
        raise InvalidArgument("parameters: must be some parameters of a module")
    descent = SGD(parameters, lr=rate, momentum=momentum)
    return descent, StepLR(descent, step_size=epochs, gamma=0.1)


@torch.no_grad()
def fit_classifier(layer: nn.Linear, features: Tensor, labels: Tensor, ridge: float = 1e-3) -> None:
    """Put the best linear classifier of fixed features into a layer, by Newton's method.

    The block coordinate step of ruthotto2018 and haber2017: the classifier anew, then the network.

    Parameters
    ----------
    layer : Linear
    features : Tensor, shape (samples, features)
    labels : Tensor of int, shape (samples,)
        The numbers of the classes, from 0.
    ridge : float
        Positive: (ridge/2)(|W|² + |μ|²) is added to the mean cross-entropy.
    """
    for name, value, kind in (("layer", layer, nn.Linear), ("features", features, Tensor),
                              ("labels", labels, Tensor), ("ridge", ridge, Real)):
        of_kind(value, kind, name)
    if layer.bias is None:
        raise InvalidArgument("layer: needs a bias")
    if features.ndim != 2 or features.shape[1] != layer.in_features or \
            labels.shape != features.shape[:1]:
        raise InvalidArgument(f"features, labels: must have the shapes (samples, "
                              f"{layer.in_features}) and (samples,), got {tuple(features.shape)} "
                              f"and {tuple(labels.shape)}")
    if not bool(torch.isfinite(features).all()):
        raise InvalidArgument("features: must be finite")
    if labels.is_floating_point() or not bool(
            ((labels >= 0) & (labels < layer.out_features)).all()):
        raise InvalidArgument(f"labels: must be integers from 0 to {layer.out_features - 1}, the "
                              f"classes of the layer, got {labels.unique().tolist()!s:.60}")
    targets = nn.functional.one_hot(labels.long(), layer.out_features)
    found = fit(CrossEntropy(), features.double().cpu().numpy()[:, :, None, None],
                targets.cpu().numpy(), ridge)
    layer.weight.copy_(torch.from_numpy(found.weights[:, :, 0, 0]))
    layer.bias.copy_(torch.from_numpy(found.bias))
