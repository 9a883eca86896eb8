"""PyTorch, loaded by a fixture of each file: it takes seconds, and most runs need none."""

import pytest


def load_torch(seed=None):
    """PyTorch and stabkit's room for it, on one thread; with a seed the same numbers are drawn."""
    torch = pytest.importorskip("torch", reason="the modules need PyTorch: stabkit[torch]")
    pytest.importorskip("onnxscript", reason="PyTorch's exporter needs onnxscript: stabkit[torch]")
    import stabkit.torch as st

    if seed is not None:
        torch.manual_seed(seed)
        torch.set_num_threads(1)
    return torch, st
