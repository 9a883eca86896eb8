"""Writes the ONNX files beside it with PyTorch's two exporters: ``python …/exported/make.py``.

They let the reader be tested on what PyTorch really writes where PyTorch is not installed.  What
the exporter notes about the exporting machine (stack traces) is taken out.
"""

import io
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn import functional as F


class ResNet(nn.Module):
    """Two residual blocks with normalisation, the second with fewer places, and a classifier."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.layers = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1),
                                     nn.Conv2d(4, 8, 3, stride=2, padding=1),
                                     nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(4, 8, 1, stride=2)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(c) for c in (4, 4, 4, 8, 8)])
        self.last = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.norms[0](self.first(x)))
        y = self.norms[2](self.layers[1](F.relu(self.norms[1](self.layers[0](x)))))
        x = F.relu(x + y)
        y = self.norms[4](self.layers[3](F.relu(self.norms[3](self.layers[2](x)))))
        x = F.relu(self.layers[4](x) + y)
        return self.last(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Diffusion(nn.Module):
    """Three steps u − τ Kᵀ Φ(K u) on the circle, with the shared weights of K."""

    def __init__(self):
        super().__init__()
        self.K = nn.Conv1d(1, 3, 4, bias=False)

    def forward(self, u):
        for _ in range(3):
            flux = torch.tanh(self.K(F.pad(u, (3, 0), mode="circular")))
            u = u - 0.25 * F.conv_transpose1d(F.pad(flux, (0, 3), mode="circular"),
                                              self.K.weight, padding=3)
        return u


class Hamiltonian(nn.Module):
    """Verlet steps of (y, z), the two halves of the channels."""

    def __init__(self):
        super().__init__()
        self.K = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        y, z = torch.chunk(x, 2, dim=1)
        for _ in range(2):
            z = z - 0.1 * F.conv_transpose2d(torch.tanh(self.K(y)), self.K.weight, padding=1)
            y = y + 0.1 * F.conv_transpose2d(torch.tanh(self.K(z)), self.K.weight, padding=1)
        return torch.cat([y, z], dim=1)


class UNet(nn.Module):
    """Down, up by both ways, and skips that are concatenated or added."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 4, 3, padding=1)
        self.up, self.c = nn.ConvTranspose2d(4, 2, 2, stride=2), nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x):
        a = F.gelu(self.a(x))
        b = F.silu(self.b(F.max_pool2d(a, 2)))
        return x + self.c(torch.cat([a, self.up(b)], 1)) + F.interpolate(
            F.avg_pool2d(x, 2), scale_factor=2)


class Mixer(nn.Module):
    """Layers along either axis, and one of every activation."""

    def __init__(self):
        super().__init__()
        self.rows, self.columns = nn.Linear(4, 4), nn.Linear(3, 3)
        self.slope = nn.PReLU()

    def forward(self, x):
        x = x + F.mish(self.rows(x))
        x = x + F.hardswish(self.columns(x.transpose(1, 2))).transpose(1, 2)
        for bend in (F.elu, F.softplus, F.hardtanh, F.relu6, F.leaky_relu, self.slope, F.selu,
                     F.celu, F.hardsigmoid, torch.sigmoid, torch.erf, F.gelu, F.silu, torch.abs):
            x = x + 0.5 * bend(x) / 3
        return x.flatten(1)


NETWORKS = {
    "resnet": (ResNet, (3, 8, 8)), "diffusion": (Diffusion, (1, 8)),
    "hamiltonian": (Hamiltonian, (4, 5, 5)), "unet": (UNet, (1, 8, 8)), "mixer": (Mixer, (3, 4)),
}


def network(name):
    """A network with drawn weights, in eval mode, and the shape of its input."""
    torch.manual_seed(6)
    make, shape = NETWORKS[name]
    module = make().eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for parameter in (part.weight, part.running_var):
                nn.init.uniform_(parameter, 0.5, 2)
            nn.init.uniform_(part.running_mean, -1, 1)
    return module, shape


def exported(module, shape, dynamo, batch):
    """The bytes of an ONNX file."""
    x, target = torch.zeros(batch, *shape), io.BytesIO()
    if dynamo:
        proto = torch.onnx.export(module, (x,), dynamo=True, verbose=False).model_proto
    else:
        torch.onnx.export(module, (x,), target, dynamo=False, opset_version=13,
                          input_names=["x"], dynamic_axes={"x": {0: "batch"}})
        proto = onnx.load_from_string(target.getvalue())
    for node in proto.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key.endswith("name_scopes")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
        node.doc_string = ""
    for entry in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info, proto.graph,
                  proto):
        del entry.metadata_props[:]
        entry.doc_string = ""
    return proto.SerializeToString()


if __name__ == "__main__":
    for name in NETWORKS:
        for dynamo in (True, False):
            content = exported(*network(name), dynamo, 2 if dynamo and name == "unet" else 1)
            kind = "dynamo" if dynamo else "script"
            (Path(__file__).parent / f"{name}_{kind}.onnx").write_bytes(content)
