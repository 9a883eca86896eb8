// Steps with any sparse K.  `rows`: one block per signal, all steps in one launch.  `bend` and
// `descend`: one thread per entry, two launches per step, for signals that are too long for that.
#include "fluxes.cuh"
#include "steps.cuh"

// Signals u (blocks, n), in place; 2n + 2m reals of shared memory.
extern "C" __global__ void rows(real *u, long long n, long long m, long long scheme,
                                long long steps, real tau, const unsigned *starts,
                                const unsigned *columns, const real *values,
                                const unsigned *starts_t, const unsigned *columns_t,
                                const real *values_t, real q, real p) {
    extern __shared__ __align__(16) char memory[];
    Sparse K = {starts, columns, values}, Kt = {starts_t, columns_t, values_t};
    real *signal = u + blockIdx.x * n;
    real *now = (real *)memory, *old = now + n, *f = old + n, *g = f + m;
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

// f = Phi(K u), or g K u, or the diffusivities of K u; for `count` signals.
extern "C" __global__ void bend(const real *u, real *f, const real *g, long long what,
                                long long count, long long n, long long m, const unsigned *starts,
                                const unsigned *columns, const real *values, real q, real p) {
    Sparse K = {starts, columns, values};
    long long at = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (at >= count * m) return;
    real s = row(K, u + at / m * n, at % m);
    f[at] = what == DIFFUSIVITIES ? frozen(s, q, p) : what == SCALED ? g[at] * s : flux(s, q, p);
}

// to = from - tau K' f; with `extrapolate`, to = alpha (from - tau K' f) + (1 - alpha) to.
extern "C" __global__ void descend(real *to, const real *from, const real *f, long long extrapolate,
                                   long long step, long long count, long long n, long long m,
                                   real tau, const unsigned *starts_t, const unsigned *columns_t,
                                   const real *values_t) {
    Sparse Kt = {starts_t, columns_t, values_t};
    long long at = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (at >= count * n) return;
    real moved = from[at] - tau * row(Kt, f + at / n * m, at % n), a, b;
    weights(step, &a, &b);
    to[at] = extrapolate ? a * moved + b * to[at] : moved;
}
