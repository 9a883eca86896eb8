// Mass random search, as in stabkit/kernels/search.py and draws.py: one trial per thread at a time.
// N and M are the columns and rows of K.
#include "fluxes.cuh"
#include "steps.cuh"

typedef unsigned long long word64;
enum Notion { EUCLIDEAN, CONTRACTION, RANGE, SIGN };

// -- draws: trial t is lane t mod LANES of block t / LANES, as on the host -------------------------
#define LANES 128
#define GOLDEN 0x9E3779B97F4A7C15ULL

__device__ inline word64 mixed(word64 z) {  // splitmix64 (Steele, Lea and Flood 2014)
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

__device__ inline word64 stream(word64 seed, word64 block, word64 number) {
    return mixed(mixed(seed * GOLDEN + block + GOLDEN) + number);
}

__device__ inline unsigned word(word64 key, unsigned lane, int i) {
    unsigned x = (unsigned)key + ((unsigned)i * LANES + lane) * 0x9E3779B9U;
    x = (x ^ (x >> 16)) * 0x7FEB352DU;
    x = (x ^ (x >> 15)) + (unsigned)(key >> 32);
    x = (x ^ (x >> 16)) * 0x846CA68BU;
    return x ^ (x >> 16);
}

__device__ inline double unit(unsigned bits) { return (double)(int)bits * 4.656612873077393e-10; }
__device__ inline double power(int k) { return __longlong_as_double((k + 1023LL) << 52); }
__device__ inline int below(unsigned bits, unsigned count) { return ((bits & 255) * count) >> 8; }

__device__ inline void fill(double *u, word64 seed, word64 block, unsigned lane, word64 number) {
    word64 key = stream(seed, block, number);
    int kind = (int)(block % 8);
    double before = 0.0, base = unit(word(key, lane, -2));
    double scale = kind == 2 ? 1.0 : power(below(word(key, lane, -1), 13) - 6);
    for (int i = 0; i < N; i++) {
        unsigned bits = word(key, lane, i);
        double x = unit(bits);
        switch (kind) {
        case 1: x *= power(below(bits, 41) - 20); break;
        case 2: x = (double)(below(bits, 7) - 3); break;
        case 3: x = below(bits, 4) == 0 ? x : 0.0; break;
        case 4: x = i == 0 || below(bits, 3) == 0 ? x : before; break;
        case 5: x = i % 2 ? fabs(x) : -fabs(x); break;
        case 6: x = i == 0 ? x : before + x; break;
        case 7: x = base * (double)(below(bits, 3) - 1); break;
        }
        before = x;
        u[i] = x * scale;
    }
}

__device__ inline void fill_near(double *v, const double *u, word64 seed, word64 block,
                                 unsigned lane) {
    fill(v, seed, block + 1, lane, 1);
    double distance = power(-below(word(stream(seed, block, 2), lane, 0), 21));
    for (int i = 0; i < N; i++) v[i] = v[i] * distance + u[i];
}

// -- margins ---------------------------------------------------------------------------------------
__device__ inline double euclidean_margin(const double *u, const double *v) {
    double before = 0.0, after = 0.0;
    for (int i = 0; i < N; i++) {
        before += u[i] * u[i];
        after += v[i] * v[i];
    }
    return 1.0 - after / before;
}

__device__ inline void range_of(const double *u, double *low, double *high) {  // NaN passes by
    *high = -(*low = __longlong_as_double(0x7ff0000000000000LL));
    for (int i = 0; i < N; i++) {
        *low = u[i] < *low ? u[i] : *low;
        *high = u[i] > *high ? u[i] : *high;
    }
}

__device__ inline double range_margin(const double *u, const double *v) {
    double low, high, least, most;
    range_of(u, &low, &high);
    range_of(v, &least, &most);
    double length = high - low, below = least - low, above = high - most;
    length = length > 0 ? length : fabs(high);
    return (below < above ? below : above) / length;
}

__device__ inline int sign_changes(const double *u, double noise) {
    int changes = 0, last = 0;
    for (int i = 0; i < N; i++) {
        int sign = (u[i] > noise) - (u[i] < -noise);
        if (sign * last < 0) changes++;
        last = sign != 0 ? sign : last;
    }
    return changes;
}

__device__ inline double sign_margin(const double *u, const double *v) {
    double low, high;
    range_of(u, &low, &high);
    double noise = 9.094947017729282e-13 * (high > -low ? high : -low);  // 2^-40
    return (double)(sign_changes(u, 0.0) - sign_changes(v, noise));
}

// -- the scheme, on one signal in registers or local memory ----------------------------------------
__device__ inline void advance(double *now, long long scheme, long long steps, double tau, Sparse K,
                               Sparse Kt, double q, double p) {
    double old[N], f[M > 0 ? M : 1], g[M > 0 ? M : 1];
    for (int i = 0; i < N; i++) old[i] = now[i];
    if (scheme == FROZEN_FSI)
        for (int j = 0; j < M; j++) g[j] = frozen(row(K, now, j), q, p);
    for (long long step = 0; step < steps; step++) {
        double a, b;
        weights(step, &a, &b);
        for (int j = 0; j < M; j++) {
            double s = row(K, now, j);
            f[j] = scheme == FROZEN_FSI ? g[j] * s : flux(s, q, p);
        }
        for (int i = 0; i < N; i++) {
            double down = tau * row(Kt, f, i), x = now[i];
            if (scheme == EXPLICIT) now[i] = x - down;
            else if (scheme == FIXED_POINT) now[i] = old[i] - down;
            else {
                now[i] = a * (x - down) + b * old[i];
                old[i] = x;
            }
        }
    }
}

// The worst margin of each block over the trials first ... first + count - 1, and the first trial
// with it; (infinity, -1) if none has one.
extern "C" __global__ void search(double *worst, long long *where, long long scheme,
                                  long long steps, double tau, const unsigned *starts,
                                  const unsigned *columns, const double *values,
                                  const unsigned *starts_t, const unsigned *columns_t,
                                  const double *values_t, double q, double p, long long notion,
                                  long long seed, long long first, long long count) {
    extern __shared__ __align__(16) char memory[];
    Sparse K = {starts, columns, values}, Kt = {starts_t, columns_t, values_t};
    double *margins = (double *)memory;
    long long *trials = (long long *)(margins + blockDim.x);
    double best = __longlong_as_double(0x7ff0000000000000LL), u[N], v[N], w[N];
    long long place = -1, stride = (long long)gridDim.x * blockDim.x;
    for (long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x; t < count; t += stride) {
        long long trial = first + t;
        word64 block = (word64)trial / LANES;
        unsigned lane = (unsigned)(trial % LANES);
        fill(u, seed, block, lane, 0);
        for (int i = 0; i < N; i++) v[i] = u[i];
        advance(v, scheme, steps, tau, K, Kt, q, p);
        if (notion == CONTRACTION) {
            fill_near(w, u, seed, block, lane);
            for (int i = 0; i < N; i++) u[i] -= w[i];
            advance(w, scheme, steps, tau, K, Kt, q, p);
            for (int i = 0; i < N; i++) v[i] -= w[i];
        }
        double m = notion == RANGE ? range_margin(u, v) :
            notion == SIGN ? sign_margin(u, v) : euclidean_margin(u, v);
        for (int i = 0; i < N; i++)
            if (v[i] != v[i]) m = v[i];  // no margin
        if (m < best) {
            best = m;
            place = trial;
        }
    }
    margins[threadIdx.x] = best;
    trials[threadIdx.x] = place;
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {  // blockDim.x is a power of 2
        __syncthreads();
        if (threadIdx.x >= half) continue;
        double m = margins[threadIdx.x + half];
        long long t = trials[threadIdx.x + half];
        bool earlier = m == margins[threadIdx.x] && t >= 0 &&
            (trials[threadIdx.x] < 0 || t < trials[threadIdx.x]);
        if (m < margins[threadIdx.x] || earlier) {
            margins[threadIdx.x] = m;
            trials[threadIdx.x] = t;
        }
    }
    if (threadIdx.x == 0) {
        worst[blockIdx.x] = margins[0];
        where[blockIdx.x] = trials[0];
    }
}
