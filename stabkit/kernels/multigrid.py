"""Relaxation on CSR matrices."""

from __future__ import annotations

from stabkit.kernels import kernel


@kernel
def sor_sweep(indptr, indices, data, order, omega, u, b):
    """u_i ← u_i + ω (b_i − Σ_j a_ij u_j) / a_ii for i in the given order, in place."""
    for i in order:
        residual = b[i]
        diagonal = 1.0
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            residual -= data[k] * u[j]
            if j == i:
                diagonal = data[k]
        u[i] += omega * residual / diagonal
