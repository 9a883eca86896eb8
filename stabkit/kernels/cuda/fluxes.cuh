// The fluxes of stabkit/kernels/fluxes.py, in the same operations and order, so with the same bits.
// FLUX is one of the codes that stand before (stabkit/codes.py), REAL the type.  Compile without
// contraction (--fmad=false).  tanh is left out: its bits depend on the library.
#if !defined(FLUX) || FLUX < 0 || FLUX > FIRM || FLUX == TANH
#error this flux has no code
#endif
typedef REAL real;

// One Taylor term pair of e^r: terms k and k + 1 over r^k.
__device__ inline double pair(double high, double low, double r) {
    return fma(1.0 / high, r, 1.0 / low);
}

// e^x as in stabkit/kernels/exponential.py; every fused multiply-add is asked for by name.
__device__ inline double exponential(double y) {
    const double shift = 6755399441055744.0;  // 1.5 * 2^52
    double shifted = fma(y, 1.4426950408889634, shift);
    double k = shifted - shift;
    double r = fma(-k, 1.90821492927058770002e-10, fma(-k, 0.693147180369123816490, y));
    double r2 = r * r, r4 = r2 * r2;
    double low = fma(pair(120.0, 24.0, r), r2, pair(6.0, 2.0, r));
    double middle = fma(pair(362880.0, 40320.0, r), r2, pair(5040.0, 720.0, r));
    double high = fma(pair(6227020800.0, 479001600.0, r), r2, pair(39916800.0, 3628800.0, r));
    double tail = fma(fma(high, r4, middle), r4, low);
    double p = fma(fma(tail, r, 1.0), r, 1.0);
    unsigned long long bits = (unsigned long long)__double_as_longlong(p);
    bits += (unsigned long long)__double_as_longlong(shifted) << 52;
    double e = __longlong_as_double((long long)bits);
    if (y < -708.0) e = 0.0;
    if (y > 709.782712893384) e = __longlong_as_double(0x7ff0000000000000LL);
    return y == y ? e : p;
}

__device__ inline real flux(real s, real q, real p) {
    const real one = (real)1, zero = (real)0;
    real a = fabs(s);
    switch (FLUX) {
    case IDENTITY: return s;
    case CHARBONNIER: return s / sqrt(one + s * s * (one / (q * q)));
    case SOFT: return s < -q ? -q : (s > q ? q : s);
    case PERONA_MALIK: return s * (real)exponential(-(s * s) * ((real)0.5 / (q * q)));
    case GARROTE: return a > q ? q * q / s : s;
    case HARD: return a > q ? zero : s;
    case RATIONAL: return s / (one + s * s * (one / (q * q)));
    case WEICKERT: {
        real r = s * s * (one / (q * q));
        r = r * r;
        return s - s * (real)exponential((real)-3.31488 / (r * r));
    }
    case LEAKY_RELU: return s <= zero ? q * s : s;
    case LINEAR: return q * s;
    case FIRM: {
        real fall = q / (p - q) * (p - a);
        return a > q ? (a >= p ? zero : (s > zero ? fall : -fall)) : s;
    }
    }
    return s;
}

// Phi(s)/s, continued to s = 0 by a tiny s.
__device__ inline real frozen(real s, real q, real p) {
    real t = s == (real)0 ? (real)8.673617379884035e-19 : s;  // 2^-60
    return flux(t, q, p) / t;
}
