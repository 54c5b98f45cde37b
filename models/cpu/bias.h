// Bias and activation, in one pass over [rows, n].
#ifndef OPS_BODY
#define BIAS_OPS(OP)                                                                                                               \
    OP(void, epilogue,                                                                                                             \
       (int th, float *y, float *f, const float *bias, int act, const float *gate, long ldgate, const float *residual, long rows,  \
        long n),                                                                                                                   \
       (th, y, f, bias, act, gate, ldgate, residual, rows, n))                                                                     \
    OP(void, bias_act_backward,                                                                                                    \
       (int th, float *dpre, float *dbias, const float *dy, const float *pre, long rows, long n, int act),                         \
       (th, dpre, dbias, dy, pre, rows, n, act))                                                                                   \
    OP(void, swiglu, (int th, float *y, const float *x, long rows, long n), (th, y, x, rows, n))                                   \
    OP(void, swiglu_backward, (int th, float *dx, const float *dy, const float *x, long rows, long n), (th, dx, dy, x, rows, n))
#else

// y ← residual + gate·act(f + bias), f keeping f + bias where y is elsewhere; a
// row at a time, so that the steps after the first find it in the nearest cache.
static void K(epilogue)(int threads, float *y, float *f, const float *bias, int act, const float *gate, long ldgate,
                        const float *residual, long rows, long n) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        float *p = f + r * n, *q = y + r * n;
        const float *g = gate ? gate + r * ldgate : 0, *x = residual ? residual + r * n : 0;
        if (bias) {
#pragma omp simd
            for (long i = 0; i < n; i++) p[i] += bias[i];
        }
        if (act == ACT_SILU) {
#pragma omp simd
            for (long i = 0; i < n; i++) q[i] = K(silu)(p[i]);
            p = q;
        } else if (act == ACT_GELU) {
#pragma omp simd
            for (long i = 0; i < n; i++) q[i] = K(gelu)(p[i]);
            p = q;
        }
        if (g && x) {
#pragma omp simd
            for (long i = 0; i < n; i++) q[i] = x[i] + g[i] * p[i];
        } else if (g) {
#pragma omp simd
            for (long i = 0; i < n; i++) q[i] = g[i] * p[i];
        } else if (x) {
#pragma omp simd
            for (long i = 0; i < n; i++) q[i] = x[i] + p[i];
        } else if (p != q) {
            memcpy(q, p, sizeof(float) * n);
        }
    }
}

// Column sums are split over columns, so the order of additions does not
// depend on the number of threads.
static void K(bias_act_backward)(int threads, float *dpre, float *dbias, const float *dy, const float *pre, long rows, long n,
                                 int act) {
    long size = rows * n;
    if (act == ACT_SILU) {
#pragma omp parallel for simd num_threads(threads) schedule(static) if (size > SERIAL)
        for (long i = 0; i < size; i++) dpre[i] = dy[i] * K(dsilu)(pre[i]);
    } else if (act == ACT_GELU) {
#pragma omp parallel for simd num_threads(threads) schedule(static) if (size > SERIAL)
        for (long i = 0; i < size; i++) dpre[i] = dy[i] * K(dgelu)(pre[i]);
    } else if (dpre != dy) {
        memcpy(dpre, dy, size * sizeof(float));
    }
    long blocks = (n + 63) / 64;
#pragma omp parallel for num_threads(threads) schedule(static) if (size > SERIAL)
    for (long b = 0; b < blocks; b++) {
        long lo = b * 64, m = n - lo < 64 ? n - lo : 64;
        float acc[64] = {0};
        if (m == 64) {
            for (long r = 0; r < rows; r++) {
                const float *p = dpre + r * n + lo;
#pragma omp simd
                for (long i = 0; i < 64; i++) acc[i] += p[i];
            }
        } else {
            for (long r = 0; r < rows; r++) {
                const float *p = dpre + r * n + lo;
                for (long i = 0; i < m; i++) acc[i] += p[i];
            }
        }
        for (long i = 0; i < m; i++) dbias[lo + i] += acc[i];
    }
}

// y ← silu(x₁)·x₂, a row of x being x₁ and then x₂, n each.
static void K(swiglu)(int threads, float *y, const float *x, long rows, long n) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *g = x + r * 2 * n, *u = g + n;
        float *o = y + r * n;
#pragma omp simd
        for (long i = 0; i < n; i++) o[i] = K(silu)(g[i]) * u[i];
    }
}

static void K(swiglu_backward)(int threads, float *dx, const float *dy, const float *x, long rows, long n) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *g = x + r * 2 * n, *u = g + n, *d = dy + r * n;
        float *o = dx + r * 2 * n, *q = o + n;
#pragma omp simd
        for (long i = 0; i < n; i++) {
            o[i] = d[i] * u[i] * K(dsilu)(g[i]);
            q[i] = d[i] * K(silu)(g[i]);
        }
    }
}
#endif
