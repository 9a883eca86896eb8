// Mass random search, as in stabkit/kernels/search.py and draws.py: one trial per thread at a time.
//
// SCHEME and NOTION are codes, N and M the columns and rows of K.  With DIFFERENCE, K
// is the reflecting first difference, r = 1/h: then no index is computed, and signals that are short
// enough stay in registers.
#include "fluxes.cuh"
#include "steps.cuh"

#if DIFFERENCE && N <= 32
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

typedef unsigned long long word64;

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
    UNROLL for (int i = 0; i < N; i++) {
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
    UNROLL for (int i = 0; i < N; i++) v[i] = v[i] * distance + u[i];
}

// -- margins ---------------------------------------------------------------------------------------
__device__ inline double euclidean_margin(const double *u, const double *v) {
    double before = 0.0, after = 0.0;
    UNROLL for (int i = 0; i < N; i++) {
        before += u[i] * u[i];
        after += v[i] * v[i];
    }
    return 1.0 - after / before;
}

__device__ inline void range_of(const double *u, double *low, double *high) {  // NaN passes by
    *high = -(*low = __longlong_as_double(0x7ff0000000000000LL));
    UNROLL for (int i = 0; i < N; i++) {
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
    UNROLL for (int i = 0; i < N; i++) {
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

// -- the scheme, on one signal ---------------------------------------------------------------------
struct Operator {
    Sparse K, Kt;
    double r;
};

// Row j of K x.
__device__ inline double slope(const Operator &op, const double *x, int j) {
    return DIFFERENCE ? op.r * x[j + 1] - op.r * x[j] : row(op.K, x, j);
}

__device__ inline double updated(double here, double down, double *old, double a, double b) {
    if (SCHEME == EXPLICIT) return here - down;
    if (SCHEME == FIXED_POINT) return *old - down;
    double moved = a * (here - down) + b * *old;
    *old = here;
    return moved;
}

__device__ inline void advance(double *now, long long steps, double tau, const Operator &op,
                               double q, double p) {
    double old[N], f[M > 0 ? M : 1], g[M > 0 ? M : 1];
    UNROLL for (int i = 0; i < N; i++) old[i] = now[i];
    if (SCHEME == FROZEN_FSI)
        UNROLL for (int j = 0; j < M; j++) g[j] = frozen(slope(op, now, j), q, p);
    for (long long step = 0; step < steps; step++) {
        double a, b, before = 0.0;
        weights(step, &a, &b);
        if (DIFFERENCE) {
            UNROLL for (int i = 0; i < N; i++) {
                double after = 0.0;
                if (i < M) {
                    double s = slope(op, now, i);
                    after = SCHEME == FROZEN_FSI ? g[i] * s : flux(s, q, p);
                }
                now[i] = updated(now[i], tau * (op.r * before - op.r * after), &old[i], a, b);
                before = after;
            }
            continue;
        }
        for (int j = 0; j < M; j++) {
            double s = slope(op, now, j);
            f[j] = SCHEME == FROZEN_FSI ? g[j] * s : flux(s, q, p);
        }
        for (int i = 0; i < N; i++)
            now[i] = updated(now[i], tau * row(op.Kt, f, i), &old[i], a, b);
    }
}

// Block k: the worst margin of the trials first + k each ... first + (k + 1) each - 1, up to end - 1,
// and the first trial with it; (infinity, -1) if none has one.
extern "C" __global__ void search(double *worst, long long *where, long long steps, double tau,
                                  double r, const unsigned *starts, const unsigned *columns,
                                  const double *values, const unsigned *starts_t,
                                  const unsigned *columns_t, const double *values_t, double q,
                                  double p, long long seed, long long first, long long each,
                                  long long end) {
    extern __shared__ __align__(16) char memory[];
    const Operator op = {{starts, columns, values}, {starts_t, columns_t, values_t}, r};
    double *margins = (double *)memory;
    long long *trials = (long long *)(margins + blockDim.x);
    double best = __longlong_as_double(0x7ff0000000000000LL), u[N], v[N], w[N];
    long long place = -1, begin = first + blockIdx.x * each;
    long long last = begin + each < end ? begin + each : end;
    for (long long trial = begin + threadIdx.x; trial < last; trial += blockDim.x) {
        word64 block = (word64)trial / LANES;
        unsigned lane = (unsigned)(trial % LANES);
        fill(u, seed, block, lane, 0);
        UNROLL for (int i = 0; i < N; i++) v[i] = u[i];
        advance(v, steps, tau, op, q, p);
        if (NOTION == CONTRACTION) {
            fill_near(w, u, seed, block, lane);
            UNROLL for (int i = 0; i < N; i++) u[i] -= w[i];
            advance(w, steps, tau, op, q, p);
            UNROLL for (int i = 0; i < N; i++) v[i] -= w[i];
        }
        double m = NOTION == RANGE ? range_margin(u, v) :
            NOTION == SIGN ? sign_margin(u, v) : euclidean_margin(u, v);
        UNROLL for (int i = 0; i < N; i++)
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
