"""The doors for PyTorch: the package's own modules, and a user's that are exported and read."""

from driving import Door
from hypothesis import strategies as st
from mutations import ODD, one_of

import stabkit
from stabkit import fluxes
from stabkit.audit.torch_module import read as read_module

BOUNDARIES = (stabkit.DIRICHLET, stabkit.PERIODIC, stabkit.NATURAL, stabkit.MIRRORED)
NOTIONS = (stabkit.EUCLIDEAN, stabkit.CONTRACTION, stabkit.RANGE, stabkit.MAX_NORM, stabkit.SIGN)
KINDS = ("float32", "float64", "float16", "bfloat16", "int64", "bool", "complex64")
_LARGE = 100  # channels and taps of a million are meant so, and take their time


@st.composite
def exported(draw):
    from torch import manual_seed, nn

    manual_seed(draw(st.integers(0, 999)))
    makers = [lambda: nn.Linear(4, 4), lambda: nn.Linear(4, 3), nn.ReLU, nn.Tanh, nn.GELU, nn.ELU,
              nn.Sigmoid, nn.Softmax, nn.Flatten, lambda: nn.Conv1d(2, 2, 3, padding=1),
              lambda: nn.MaxPool1d(2), lambda: nn.AvgPool1d(2), lambda: nn.BatchNorm1d(2),
              lambda: nn.LayerNorm(4), nn.Dropout, nn.Identity, lambda: nn.Upsample(scale_factor=2),
              lambda: nn.ConvTranspose1d(2, 2, 2), lambda: nn.GroupNorm(1, 2), nn.LeakyReLU,
              lambda: nn.Embedding(3, 3), lambda: nn.Unflatten(1, (2, 2)), nn.Hardtanh]
    chosen = draw(st.lists(st.integers(0, len(makers) - 1), max_size=4))
    shape = draw(st.sampled_from([(4,), (2, 4), (2, 5), (1,), (2, 4, 4)]))
    return nn.Sequential(*(makers[k]() for k in chosen)), shape


def torch_export():
    """Modules of PyTorch's own, whose graph is exported; an export takes a second."""
    return Door(exported(), lambda given: read_module(*given), limit=60)


def torch():
    """Modules of the package: made with any arguments, given any signals, constrained."""
    return Door(one_of(_fitting, _fitting, _anything), _use, limit=30)


def _fitting(random):
    """What makes a block of sizes that fit, and the shape of a batch."""
    import stabkit.torch as blocks

    channels, features = random.randint(1, 3), random.randint(1, 3)
    taps = random.choice([(1,), (3,), (5,), (3, 3), (1, 3), (3, 1)])
    boundary = random.choice(BOUNDARIES[:3])
    make = random.choice([fluxes.soft, fluxes.relu, fluxes.tanh, fluxes.charbonnier, fluxes.garrote,
                          fluxes.perona_malik, fluxes.weickert])
    notion, length = random.choice([*NOTIONS, None]), random.choice([1, 3, 8])
    tau, contrast = random.choice([None, 0.1, 1.0, *ODD]), random.choice([1.0, 0.5, *ODD])

    def K():
        return blocks.Stencil(channels, features, taps, boundary) if length < 8 else \
            blocks.Differences(channels, len(taps))

    def flux():
        return blocks.Activation(make, contrast)

    build = random.choice([
        lambda: blocks.DiffusionBlock(K(), flux(), notion, tau, bias=length == 3),
        lambda: blocks.FSICycle(K(), flux(), length, notion, tau),
        lambda: blocks.ParabolicLayer(K(), flux(), tau=tau),
        lambda: blocks.ImplicitBlock(K(), flux(), tau, max_iterations=20),
        lambda: blocks.HaarShrinkage(flux(), boundary),
        lambda: blocks.HamiltonianLayer(K(), K(), flux(), tau=tau),
        lambda: blocks.LeapfrogLayer(K(), flux(), tau=tau),
        lambda: blocks.MgNet(channels, features, features, 2, 1, random.choice([None, 2])),
        lambda: blocks.VMgNet(channels, features, features, 2, 1),
        lambda: blocks.VCycle(2, 1, 1, coarsest=2, dimension=len(taps))])
    batch = random.choice([1, 2]), channels * random.choice([1, 1, 1, 2])
    return build, (), (*batch, *random.choices([1, 3, 4, 8], k=len(taps))), notion, \
        random.choice([*KINDS[:2] * 3, *KINDS]), \
        random.choice([*[None] * 6, 0.0, "nan", "inf", -1e30])


def _anything(random):
    """What makes any class of the room with arguments that mean nothing."""
    import stabkit.torch as blocks

    small = [value for value in ODD if not isinstance(value, int) or abs(value) < _LARGE]
    pool = [*small, *BOUNDARIES, *NOTIONS, fluxes.soft, blocks.Stencil(1, 2), (3,), (2, 3), (3, 3),
            blocks.Activation(), blocks.Differences(1, 1), 1, 2, 3]
    make = getattr(blocks, random.choice(blocks.__all__))
    return make, random.choices(pool, k=random.randint(1, 4)), \
        tuple(random.choices(range(4), k=random.randint(0, 4))), random.choice(NOTIONS), \
        random.choice(KINDS), None


def _use(given):
    import torch
    from torch import nn

    make, arguments, shape, notion, kind, fill = given
    try:
        module = make(*arguments)
    except TypeError as error:
        if "positional argument" not in str(error):  # Python's own word for a wrong number
            raise
        return
    if not isinstance(module, nn.Module) or isinstance(module, stabkit.torch.Differences):
        return  # a function, or what has no forward pass
    signal = torch.ones(shape, dtype=getattr(torch, kind))
    if fill is not None and module is not None:
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.fill_(float(fill))
    module.eval()  # in training a batch norm refuses a single pixel, in PyTorch's words
    module(signal)
    stabkit.torch.stable(module, notion or stabkit.CONTRACTION)
    module(signal)
