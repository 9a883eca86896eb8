"""What auto_LiRPA says of the Jacobian in a ball, in floats; where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.networks.graph import Graph
from stabkit.networks.layers import Activation, Dense, Layer, Reshaping, Scaling
from stabkit.networks.layers.activation import leak_of


def jacobian_bound(graph: Graph, radius: float) -> float:
    """The Frobenius norm of the largest entries of the Jacobian in a ball around 0.

    That is a Lipschitz constant there, up to rounding, for the bounds of entries that auto_LiRPA
    (Shi, Wang, Zhang, Kolter and Hsieh 2022) computes by linear relaxations, in single precision.

    Raises
    ------
    ImportError
        Where auto_LiRPA or PyTorch is not installed.
    ValueError
        Where the network has other layers than matrices, shifts and ReLU or tanh in a row.
    """
    import torch
    from auto_LiRPA import BoundedModule, BoundedTensor
    from auto_LiRPA.jacobian import JacobianOP
    from auto_LiRPA.perturbations import PerturbationLpNorm

    class Jacobian(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = as_module(graph, torch)

        def forward(self, x: Any) -> Any:
            return JacobianOP.apply(self.network(x), x)

    centre = torch.zeros(1, graph.size)
    bounded = BoundedModule(Jacobian(), centre)
    low, high = bounded.compute_jacobian_bounds(
        BoundedTensor(centre, PerturbationLpNorm(norm=2, eps=radius)))
    return float(torch.linalg.norm(torch.maximum(low.abs(), high.abs()).double()))


def as_module(graph: Graph, torch: Any) -> Any:
    """A network of layers in a row as a module on flat signals."""
    if [node.inputs for node in graph.nodes] != [(i - 1,) for i in range(len(graph.nodes))]:
        raise ValueError("not layers in a row")
    return torch.nn.Sequential(*(
        part for node in graph.nodes
        if (part := _module(node.layer, int(np.prod(node.shape)), torch)) is not None))


def _module(layer: Layer, size: int, torch: Any) -> Any:
    if isinstance(layer, Activation):
        leak = leak_of(layer.flux)
        if leak is not None:
            return torch.nn.LeakyReLU(leak) if leak else torch.nn.ReLU()
        if layer.flux.name == "tanh":
            return torch.nn.Tanh()
    if isinstance(layer, Reshaping) and layer.order is None:
        return None
    if isinstance(layer, Dense | Scaling):
        W = np.asarray(layer.weights, dtype=float) if isinstance(layer, Dense) else np.diag(
            np.broadcast_to(1.0 if layer.factors is None else layer.factors, size).ravel())
        made = torch.nn.Linear(*W.shape[::-1])
        bias = np.zeros(len(W)) if layer.bias is None else np.broadcast_to(
            np.asarray(layer.bias, dtype=float).ravel(), len(W))
        made.weight.data, made.bias.data = (torch.tensor(part, dtype=torch.float32)
                                            for part in (W, bias.copy()))
        return made
    raise ValueError(f"no layer of auto_LiRPA for {type(layer).__name__}")
