// The fluxes of stabkit/kernels/fluxes.py, in the same operations and order, so with the same bits.
// FLUX is a number of that file, REAL the type.  Compile without contraction (--fmad=false).
typedef REAL real;

__device__ inline double as_real(long long bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

__device__ inline long long as_bits(double x) {
    long long bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

// e^x as in stabkit/kernels/exponential.py; every fused multiply-add is asked for by name.
__device__ inline double exponential(double y) {
    const double shift = 6755399441055744.0;  // 1.5 * 2^52
    const double factorials[13] = {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0,
                                   720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0};
    double shifted = fma(y, 1.4426950408889634, shift);
    double k = shifted - shift;
    double r = fma(-k, 1.90821492927058770002e-10, fma(-k, 0.693147180369123816490, y));
    double p = 1.0 / 6227020800.0;
    for (int i = 0; i < 13; i++) p = fma(p, r, 1.0 / factorials[i]);
    unsigned long long bits = (unsigned long long)as_bits(p);
    double e = as_real((long long)(bits + ((unsigned long long)as_bits(shifted) << 52)));
    if (y < -708.0) e = 0.0;
    if (y > 709.782712893384) e = as_real(0x7ff0000000000000LL);
    return y == y ? e : y;
}

__device__ inline real flux(real s, real q, real p) {
    const real one = (real)1, zero = (real)0;
    real a = fabs(s);
    switch (FLUX) {
    case 0: return s;
    case 1: return s / sqrt(one + s * s * (one / (q * q)));
    case 2: return s < -q ? -q : (s > q ? q : s);
    case 3: return s * (real)exponential(-(s * s) * ((real)0.5 / (q * q)));
    case 4: return a > q ? q * q / s : s;
    case 5: return a > q ? zero : s;
    case 6: return s / (one + s * s * (one / (q * q)));
    case 7: {
        real r = s * s * (one / (q * q));
        r = r * r;
        return s - s * (real)exponential((real)-3.31488 / (r * r));
    }
    case 8: return s <= zero ? q * s : s;
    case 9: return tanh(s);
    case 10: return q * s;
    case 11: {
        real fall = q / (p - q) * (p - a);
        return a > q ? (a >= p ? zero : (s > zero ? fall : -fall)) : s;
    }
    case 12: return s * s * s;
    case 13: {
        real bent = s > zero ? q : -q;
        return a > q ? bent + p * (s - bent) : s;
    }
    }
    return s;
}

// Phi(s)/s, continued to s = 0 by a tiny s.
__device__ inline real frozen(real s, real q, real p) {
    real t = s == (real)0 ? (real)8.673617379884035e-19 : s;  // 2^-60
    return flux(t, q, p) / t;
}
