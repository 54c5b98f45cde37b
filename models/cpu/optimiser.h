// Sums and updates over flat parameter arrays.
#ifndef OPS_BODY
#define OPTIMISER_OPS(OP)                                                                                                          \
    OP(double, sum_squares, (int th, const float *x, long n), (th, x, n))                                                          \
    OP(void, adamw,                                                                                                                \
       (int th, float *p, const float *g, float *m, float *v, float *ema, long n, float lr, float b1, float b2, float rest1,       \
        float rest2, float eps, float wd, float c1, float c2, float gs, float decay, float rest),                                  \
       (th, p, g, m, v, ema, n, lr, b1, b2, rest1, rest2, eps, wd, c1, c2, gs, decay, rest))
#else

// Fixed chunks of 4096 are summed in double, then added in order: the result
// does not depend on the number of threads.
static double K(sum_squares)(int threads, const float *x, long n) {
    long chunks = (n + 4095) / 4096;
    double *part = (double *)pra_scratch(2 * chunks + 2), sum = 0;
#pragma omp parallel for num_threads(threads) schedule(static) if (n > SERIAL)
    for (long c = 0; c < chunks; c++) {
        long lo = c * 4096, hi = lo + 4096 < n ? lo + 4096 : n;
        double s = 0;
#pragma omp simd reduction(+ : s)
        for (long i = lo; i < hi; i++) s += (double)x[i] * x[i];
        part[c] = s;
    }
    for (long c = 0; c < chunks; c++) sum += part[c];
    return sum;
}

// restN is 1 − betaN and rest 1 − decay, rounded from double by the caller.
static void K(adamw)(int threads, float *p, const float *g, float *m, float *v, float *ema, long n, float lr, float b1, float b2,
                     float rest1, float rest2, float eps, float wd, float c1, float c2, float gs, float decay, float rest) {
    float i1 = 1.0f / c1, i2 = 1.0f / c2;
#pragma omp parallel for simd num_threads(threads) schedule(static) if (n > SERIAL)
    for (long i = 0; i < n; i++) {
        float d = g[i] * gs, a = b1 * m[i] + rest1 * d, b = b2 * v[i] + rest2 * d * d;
        m[i] = a, v[i] = b;
        float q = p[i] - lr * (a * i1 / (sqrtf(b * i2) + eps) + wd * p[i]);
        p[i] = q;
        ema[i] = decay * ema[i] + rest * q;
    }
}
#endif
