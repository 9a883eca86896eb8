// Many steps of long signals with the reflecting first difference, r = 1/h, in one launch.
//
// A thread keeps SITES consecutive sites in registers; threads trade their outermost sites through
// shared memory once per step.  A block overlaps its neighbours by one site per step, at both ends:
// what goes wrong there moves in by a site per step and is thrown away.
#include "fluxes.cuh"
#include "steps.cuh"
#define SITES 8

// x and old (rows, n) to x_out and old_out.  `start` is the first signal of the cycle, for
// FROZEN_FSI; `first` the number of the first step.  One block brings home blockDim.x * SITES - 2 steps sites.
extern "C" __global__ void tiles(const real *x_in, real *x_out, const real *old_in, real *old_out,
                                 const real *start, long long n, long long scheme, long long first,
                                 long long steps, real tau, real r, real q, real p) {
    extern __shared__ __align__(16) char memory[];
    real *low = (real *)memory, *high = low + 2 * blockDim.x;  // outermost sites, two buffers each
    const long long home = (long long)blockDim.x * SITES - 2 * steps;
    const long long tiles = (n + home - 1) / home, base = blockIdx.x / tiles * n;
    const long long site = blockIdx.x % tiles * home - steps + (long long)threadIdx.x * SITES;
    const bool cycle = scheme != EXPLICIT;
    real x[SITES], old[SITES], g[SITES + 1];
    for (int k = 0; k < SITES; k++) {
        bool inside = site + k >= 0 && site + k < n;
        x[k] = inside ? x_in[base + site + k] : (real)0;
        old[k] = inside && cycle ? old_in[base + site + k] : (real)0;
    }
    if (scheme == FROZEN_FSI)
        for (int k = 0; k <= SITES; k++) {
            long long j = site + k - 1;  // the interface between sites j and j + 1
            g[k] = j >= 0 && j + 1 < n ?
                frozen(r * start[base + j + 1] - r * start[base + j], q, p) : (real)0;
        }
    for (long long step = first; step < first + steps; step++) {
        int buffer = (int)(step & 1) * blockDim.x;
        low[buffer + threadIdx.x] = x[0];
        high[buffer + threadIdx.x] = x[SITES - 1];
        __syncthreads();
        real left = threadIdx.x > 0 ? high[buffer + threadIdx.x - 1] : (real)0;
        real right = threadIdx.x + 1 < blockDim.x ? low[buffer + threadIdx.x + 1] : (real)0;
        real a, b, before = (real)0;
        weights(step, &a, &b);
        for (int k = -1; k < SITES; k++) {
            long long j = site + k;
            real here = k < 0 ? left : x[k], next = k + 1 < SITES ? x[k + 1] : right;
            real s = r * next - r * here, after = (real)0;
            if (j >= 0 && j + 1 < n) after = scheme == FROZEN_FSI ? g[k + 1] * s : flux(s, q, p);
            if (k >= 0) {
                real moved = here - tau * (r * before - r * after);
                if (cycle) {
                    moved = a * moved + b * old[k];
                    old[k] = here;
                }
                x[k] = moved;
            }
            before = after;
        }
    }
    for (int k = 0; k < SITES; k++) {
        long long place = (long long)threadIdx.x * SITES + k - steps;
        if (place < 0 || place >= home || site + k >= n) continue;
        x_out[base + site + k] = x[k];
        if (cycle) old_out[base + site + k] = old[k];
    }
}
