// Shift-invariant Haar shrinkage on the finest scale, as in stabkit/kernels/haar.py.
#include "fluxes.cuh"

__device__ inline real shrunk(real a, real b, real root, real q, real p) {
    real d = (a - b) * root;
    return d - flux(d, q, p);
}

// Rows f (count, n) to u; a row is continued periodically, or mirrored.
extern "C" __global__ void haar(const real *f, real *u, long long count, long long n,
                                long long periodic, real q, real p) {
    const real root = (real)0.7071067811865475, weight = (real)0.35355339059327373;
    long long at = blockIdx.x * (long long)blockDim.x + threadIdx.x, i = at % n;
    if (at >= count * n) return;
    const real *row = f + at / n * n;
    real a = i > 0 ? row[i - 1] : (periodic ? row[n - 1] : row[0]);
    real b = i < n - 1 ? row[i + 1] : (periodic ? row[0] : row[n - 1]);
    real detail = shrunk(row[i], b, root, q, p) - shrunk(a, row[i], root, q, p);
    u[at] = (a + (real)2 * row[i] + b) * (real)0.25 + detail * weight;
}
