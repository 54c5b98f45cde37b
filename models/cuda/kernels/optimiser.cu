// Sums and updates over flat parameter arrays. Twin: models/cpu/optimiser.h.
#include "kcompat.h"

// The sum of v over a block of 256 threads, in thread 0; part holds 256 doubles.
KC_DEVICE double block_sum_double(double v, double *part) {
    part[threadIdx.x] = v;
    kc_barrier();
    for (u32 half = 128; half > 0; half >>= 1) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        kc_barrier();
    }
    return part[0];
}

// part[block] ← Σ x² over each elements.
KERNEL(sum_squares, 256, 4)(double *part, const float *x, i64 n, i64 each) {
    SHARED(s);
    i64 i = blockIdx.x * each, end = i + each < n ? i + each : n;
    double sum = 0;
    for (i += threadIdx.x; i < end; i += blockDim.x) sum += (double)x[i] * x[i];
    sum = block_sum_double(sum, (double *)s);
    if (threadIdx.x == 0) part[blockIdx.x] = sum;
}
EXPORT(sum_squares, 256)

KERNEL(sum_squares_total, 256, 1)(double *out, const double *part, int parts) {
    SHARED(s);
    double sum = 0;
    for (int i = threadIdx.x; i < parts; i += blockDim.x) sum += part[i];
    sum = block_sum_double(sum, (double *)s);
    if (threadIdx.x == 0) *out = sum;
}
EXPORT(sum_squares_total, 256)

// rest_i is 1 − beta_i, i_i is 1 / correct_i and rest is 1 − decay.
KERNEL(adamw, 256, 4)
(float *p, const float *g, float *m, float *v, float *ema, i64 n, float lr, float b1, float b2, float rest1, float rest2, float eps,
 float wd, float i1, float i2, float gs, float decay, float rest) {
    FLAT(i, n) {
        float d = g[i] * gs, a = b1 * m[i] + rest1 * d, b = b2 * v[i] + rest2 * d * d, w = p[i];
        m[i] = a, v[i] = b;
        float q = w - lr * (a * i1 / (kc_sqrt(b * i2) + eps) + wd * w);
        p[i] = q;
        ema[i] = decay * ema[i] + rest * q;
    }
}
EXPORT(adamw, 256)
