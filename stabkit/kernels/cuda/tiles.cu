// Many steps with the reflecting first difference, r = 1/h, in one launch.
//
// Signals of n sites lie one after the other; fluxes between two of them are 0.  A thread keeps
// SITES consecutive sites in registers; threads trade their outermost sites through shared memory
// once per step.  A block brings `home` sites home.  If they are no whole signals, it overlaps its
// neighbours by `halo` >= steps sites: what goes wrong at its ends moves in by a site per step and
// is thrown away.
#include "fluxes.cuh"
#include "steps.cuh"
#define SITES 8

// Shared memory, with a gap after the sites of each thread, so that they lie in different banks.
__device__ inline unsigned place(unsigned i) { return i + i / SITES; }

struct Block {
    real *memory;
    long long begin, total;  // the first site of the block, and all sites

    // Neighbouring threads read neighbouring sites; each then takes its own.
    __device__ void load(const real *from, real *own) const {
        __syncthreads();
        for (unsigned k = 0; k < SITES; k++) {
            unsigned i = k * blockDim.x + threadIdx.x;
            long long site = begin + i;
            memory[place(i)] = site >= 0 && site < total ? from[site] : (real)0;
        }
        __syncthreads();
        for (unsigned k = 0; k < SITES; k++) own[k] = memory[place(threadIdx.x * SITES + k)];
    }
    __device__ void store(real *to, const real *own, long long halo, long long home) const {
        __syncthreads();
        for (unsigned k = 0; k < SITES; k++) memory[place(threadIdx.x * SITES + k)] = own[k];
        __syncthreads();
        for (unsigned k = 0; k < SITES; k++) {
            unsigned i = k * blockDim.x + threadIdx.x;
            if (i >= halo && i < halo + home && begin + i < total) to[begin + i] = memory[place(i)];
        }
    }
};

// x and old to x_out and old_out, the latter of a cycle only.  `start` is the first signal of the
// cycle, for FROZEN_FSI; `first` the number of the first step.  SCHEME is a code.
extern "C" __global__ void tiles(const real *x_in, real *x_out, const real *old_in, real *old_out,
                                 const real *start, long long n, long long total, long long first,
                                 long long steps, long long home, long long halo, real tau, real r,
                                 real q, real p) {
    extern __shared__ __align__(16) char memory[];
    const unsigned mine = threadIdx.x, count = blockDim.x;
    const Block block = {(real *)memory, blockIdx.x * home - halo, total};
    real *low = block.memory + place(count * SITES), *high = low + 2 * count;  // outermost, 2 buffers
    const long long site = block.begin + (long long)mine * SITES;
    const bool cycle = SCHEME == FSI || SCHEME == FROZEN_FSI;
    real x[SITES], old[SITES], g[SITES + 1];
    bool open[SITES + 1];  // the interface before site k
    for (int k = 0; k <= SITES; k++)
        open[k] = site + k > 0 && site + k < total && (site + k) % n != 0;
    if (SCHEME == FROZEN_FSI) {
        block.load(start, x);
        real left = mine > 0 ? block.memory[place(mine * SITES - 1)] : (real)0;
        real right = mine + 1 < count ? block.memory[place(mine * SITES + SITES)] : (real)0;
        for (int k = 0; k <= SITES; k++)
            g[k] = !open[k] ? (real)0 : frozen(r * (k < SITES ? x[k] : right) -
                                               r * (k > 0 ? x[k - 1] : left), q, p);
    }
    if (SCHEME != EXPLICIT) block.load(old_in, old);
    block.load(x_in, x);
    for (long long step = first; step < first + steps; step++) {
        unsigned buffer = (unsigned)(step & 1) * count;
        low[buffer + mine] = x[0];
        high[buffer + mine] = x[SITES - 1];
        __syncthreads();
        real left = mine > 0 ? high[buffer + mine - 1] : (real)0;
        real right = mine + 1 < count ? low[buffer + mine + 1] : (real)0;
        real a, b, before = (real)0;
        weights(step, &a, &b);
        for (int k = -1; k < SITES; k++) {
            real here = k < 0 ? left : x[k], next = k + 1 < SITES ? x[k + 1] : right;
            real s = r * next - r * here, after = (real)0;
            if (open[k + 1]) after = SCHEME == FROZEN_FSI ? g[k + 1] * s : flux(s, q, p);
            if (k >= 0) {
                real down = tau * (r * before - r * after);
                if (SCHEME == FIXED_POINT) x[k] = old[k] - down;
                else x[k] = cycle ? a * (here - down) + b * old[k] : here - down;
                if (cycle) old[k] = here;
            }
            before = after;
        }
    }
    block.store(x_out, x, halo, home);
    if (cycle) block.store(old_out, old, halo, home);
}
