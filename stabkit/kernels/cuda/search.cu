// Mass random search, as in stabkit/kernels/search.py and draws.py: one trial per thread at a time.
// N and M are the columns and rows of K.
#include "fluxes.cuh"
#include "steps.cuh"

typedef unsigned long long word64;
enum Notion { EUCLIDEAN, CONTRACTION, RANGE, SIGN };

// -- draws: splitmix64 (Steele, Lea and Flood 2014) ------------------------------------------------
__device__ inline word64 mixed(word64 z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

#define GOLDEN 0x9E3779B97F4A7C15ULL

__device__ inline word64 stream(word64 seed, word64 trial, word64 number) {
    return mixed(mixed(seed * GOLDEN + trial + GOLDEN) + number);
}

__device__ inline word64 word(word64 key, long long i) {
    return mixed(key + ((word64)i + 1) * GOLDEN);
}

__device__ inline double unit(word64 bits) {
    return (double)(long long)(bits >> 12) * 4.440892098500626e-16 - 1.0;  // 2^-51
}

__device__ inline double power(long long k) { return as_real((k + 1023) << 52); }

__device__ inline long long below(word64 bits, word64 count) {
    return (long long)(((bits & 255) * count) >> 8);
}

__device__ inline void fill(double *u, word64 seed, word64 trial, word64 number) {
    word64 key = stream(seed, trial, number);
    int kind = (int)(trial % 8);
    double value = 0.0, base = unit(word(key, -2));
    double scale = kind == 2 ? 1.0 : power(below(word(key, -1), 13) - 6);
    for (int i = 0; i < N; i++) {
        word64 bits = word(key, i);
        double x = unit(bits);
        switch (kind) {
        case 1: x *= power(below(bits, 41) - 20); break;
        case 2: x = (double)(below(bits, 7) - 3); break;
        case 3: x = below(bits, 4) == 0 ? x : 0.0; break;
        case 4: x = value = i == 0 || below(bits, 3) == 0 ? x : value; break;
        case 5: x = (x < 0) == (i % 2 == 0) ? x : -x; break;
        case 6: x = value += x; break;
        case 7: x = base * (double)(below(bits, 3) - 1); break;
        }
        u[i] = x * scale;
    }
}

__device__ inline void fill_near(double *v, const double *u, word64 seed, word64 trial) {
    fill(v, seed, trial + 1, 1);
    double distance = power(-below(word(stream(seed, trial, 2), 0), 21));
    for (int i = 0; i < N; i++) v[i] = u[i] + distance * v[i];
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

__device__ inline double lesser(double a, double b) { return b < a ? b : a; }
__device__ inline double greater(double a, double b) { return b > a ? b : a; }

__device__ inline double range_margin(const double *u, const double *v) {
    double low = u[0], high = u[0], least = v[0], most = v[0];
    for (int i = 1; i < N; i++) {
        low = lesser(low, u[i]);
        high = greater(high, u[i]);
        least = lesser(least, v[i]);
        most = greater(most, v[i]);
    }
    double length = high > low ? high - low : fabs(high);
    return lesser(least - low, high - most) / length;
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
    double top = 0.0;
    for (int i = 0; i < N; i++) top = greater(top, fabs(u[i]));
    return (double)(sign_changes(u, 0.0) - sign_changes(v, 9.094947017729282e-13 * top));  // 2^-40
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
    double best = as_real(0x7ff0000000000000LL), u[N], v[N], w[N];
    long long place = -1, stride = (long long)gridDim.x * blockDim.x;
    for (long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x; t < count; t += stride) {
        long long trial = first + t;
        fill(u, seed, trial, 0);
        for (int i = 0; i < N; i++) v[i] = u[i];
        advance(v, scheme, steps, tau, K, Kt, q, p);
        if (notion == CONTRACTION) {
            fill_near(w, u, seed, trial);
            for (int i = 0; i < N; i++) u[i] -= w[i];
            advance(w, scheme, steps, tau, K, Kt, q, p);
            for (int i = 0; i < N; i++) v[i] -= w[i];
        }
        double m = notion == RANGE ? range_margin(u, v) :
            notion == SIGN ? sign_margin(u, v) : euclidean_margin(u, v);
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
