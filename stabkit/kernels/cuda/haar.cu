// Steps of shift-invariant Haar shrinkage on the finest scale, as in stabkit/kernels/haar.py.
//
// A block holds `width` sites of a row in shared memory, `steps` of them at each end a halo: what
// goes wrong there moves in by a site per step and is thrown away.
#include "fluxes.cuh"

// S((a - b)/sqrt 2) with S(r) = r - weight Phi(r).
__device__ inline real shrunk(real a, real b, real root, real weight, real q, real p) {
    real d = (a - b) * root;
    return d - weight * flux(d, q, p);
}

// Rows f of n sites to u; a row is continued periodically, or mirrored.
extern "C" __global__ void haar(const real *f, real *u, long long n, long long periodic,
                                long long steps, long long width, real weight, real q, real p) {
    extern __shared__ __align__(16) char memory[];
    real *now = (real *)memory, *next = now + width;
    const real root = (real)0.7071067811865475, half = (real)0.35355339059327373;
    const long long home = width - 2 * steps, tiles = (n + home - 1) / home;
    const long long base = blockIdx.x / tiles * n, begin = blockIdx.x % tiles * home - steps;
    for (long long k = threadIdx.x; k < width; k += blockDim.x) {
        long long site = begin + k;
        if (periodic) site = (site % n + n) % n;
        now[k] = site >= 0 && site < n ? f[base + site] : (real)0;
    }
    for (long long step = 0; step < steps; step++) {
        __syncthreads();
        for (long long k = threadIdx.x; k < width; k += blockDim.x) {
            bool first = k == 0 || (!periodic && begin + k == 0);
            bool last = k == width - 1 || (!periodic && begin + k == n - 1);
            real a = now[first ? k : k - 1], c = now[k], b = now[last ? k : k + 1];
            real detail = shrunk(c, b, root, weight, q, p) - shrunk(a, c, root, weight, q, p);
            next[k] = (a + (real)2 * c + b) * (real)0.25 + detail * half;
        }
        real *swap = now;
        now = next;
        next = swap;
    }
    for (long long k = threadIdx.x; k < width; k += blockDim.x)  // each thread its own, as written
        if (k >= steps && k < steps + home && begin + k < n) u[base + begin + k] = now[k];
}
