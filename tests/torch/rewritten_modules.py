"""Modules that PyTorch's exporter cannot write as they are."""

import torch
from torch import nn
from torch.nn import functional as F


class Cayley(nn.Module):
    """x (I + A)⁻¹ (I − A) with A = W − W', which is orthogonal."""

    def __init__(self, size):
        super().__init__()
        self.W = nn.Parameter(torch.randn(size, size, generator=torch.Generator().manual_seed(1)))

    def forward(self, x):
        A, one = self.W - self.W.T, torch.eye(len(self.W))
        return x @ torch.linalg.solve(one + A, one - A)


class Fourier(nn.Module):
    """Weights for the first frequencies of a signal on a circle, and 1 x 1 convolution beside."""

    def __init__(self, width, kept):
        super().__init__()
        made = torch.randn(width, width, kept, 2, generator=torch.Generator().manual_seed(2))
        self.R, self.beside = nn.Parameter(made / width), nn.Conv1d(width, width, 1)

    def forward(self, x):
        there, kept = torch.fft.rfft(x), self.R.shape[2]
        out = torch.zeros_like(there)
        out[..., :kept] = torch.einsum("bix,iox->box", there[..., :kept],
                                       torch.view_as_complex(self.R))
        return F.gelu(torch.fft.irfft(out, n=x.shape[-1]) + self.beside(x))


class Power(nn.Module):
    """|F x|², as an inner product that PyTorch's exporter cannot write."""

    def forward(self, x):
        there = torch.fft.rfft(x)
        return torch.einsum("bx,bx->bx", there, there.conj()).real


class Square(nn.Module):
    """(F x)², a product of one number with itself."""

    def forward(self, x):
        there = torch.fft.rfft(x)
        return torch.fft.irfft(torch.einsum("bx,bx->bx", there, there), n=x.shape[-1])


class Choice(nn.Module):
    """The real part of one of two weights, chosen by the sign of the input: a jump."""

    def forward(self, x):
        return torch.complex(torch.ones(2), torch.ones(2))[(x > 0).long()].real


class Noise(nn.Module):
    """x times a matrix that is another one in every call."""

    def forward(self, x):
        A, one = torch.randn(3, 3), torch.eye(3)
        return x @ torch.linalg.solve(one + A @ A.T, one)
