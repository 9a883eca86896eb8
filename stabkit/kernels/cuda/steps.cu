// Steps with any sparse K.  `rows`: one block per signal, all steps in one launch.  `bend` and
// `descend`: one thread per entry, two launches per step, for signals that are too long for that.
#include "fluxes.cuh"
#include "steps.cuh"

// Signals u (blocks, n), in place.  `scratch` has 2n + 2m reals per block, or is null: then they are
// in shared memory.
extern "C" __global__ void rows(real *u, real *scratch, long long n, long long m, long long scheme,
                                long long steps, real tau, const unsigned *starts,
                                const unsigned *columns, const real *values,
                                const unsigned *starts_t, const unsigned *columns_t,
                                const real *values_t, real q, real p) {
    extern __shared__ __align__(16) char memory[];
    Sparse K = {starts, columns, values}, Kt = {starts_t, columns_t, values_t};
    real *signal = u + blockIdx.x * n;
    real *now = scratch ? scratch + blockIdx.x * (2 * n + 2 * m) : (real *)memory;
    real *old = now + n, *f = old + n, *g = f + m;
    for (long long i = threadIdx.x; i < n; i += blockDim.x) now[i] = old[i] = signal[i];
    __syncthreads();
    if (scheme == FROZEN_FSI)
        for (long long j = threadIdx.x; j < m; j += blockDim.x) g[j] = frozen(row(K, now, j), q, p);
    for (long long step = 0; step < steps; step++) {
        for (long long j = threadIdx.x; j < m; j += blockDim.x) {
            real s = row(K, now, j);
            f[j] = scheme == FROZEN_FSI ? g[j] * s : flux(s, q, p);
        }
        __syncthreads();
        real a, b;
        weights(step, &a, &b);
        for (long long i = threadIdx.x; i < n; i += blockDim.x) {
            real down = tau * row(Kt, f, i);
            if (scheme == EXPLICIT) now[i] = now[i] - down;
            else if (scheme == FIXED_POINT) now[i] = old[i] - down;
            else old[i] = a * (now[i] - down) + b * old[i];
        }
        if (scheme == FSI || scheme == FROZEN_FSI) {
            real *swap = now;
            now = old;
            old = swap;
        }
        __syncthreads();
    }
    for (long long i = threadIdx.x; i < n; i += blockDim.x) signal[i] = now[i];
}

// f = Phi(K u), or g K u if g is given, or into f the diffusivities of K u if `freeze`.
extern "C" __global__ void bend(const real *u, real *f, const real *g, long long freeze,
                                long long n, long long m, const unsigned *starts,
                                const unsigned *columns, const real *values, real q, real p) {
    Sparse K = {starts, columns, values};
    long long j = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (j >= m) return;
    long long at = blockIdx.y * m + j;
    real s = row(K, u + blockIdx.y * n, j);
    f[at] = freeze ? frozen(s, q, p) : g ? g[at] * s : flux(s, q, p);
}

// to = from - tau K' f; with `extrapolate`, to = alpha (from - tau K' f) + (1 - alpha) to.
extern "C" __global__ void descend(real *to, const real *from, const real *f, long long extrapolate,
                                   long long step, long long n, long long m, real tau,
                                   const unsigned *starts_t, const unsigned *columns_t,
                                   const real *values_t) {
    Sparse Kt = {starts_t, columns_t, values_t};
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i >= n) return;
    long long at = blockIdx.y * n + i;
    real moved = from[at] - tau * row(Kt, f + blockIdx.y * m, i), a, b;
    weights(step, &a, &b);
    to[at] = extrapolate ? a * moved + b * to[at] : moved;
}
