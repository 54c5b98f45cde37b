// Bias and activation, in one pass over [rows, n].

static void K(bias_act)(int threads, float *y, float *pre, const float *bias, long rows, long n, int act) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        float *p = pre + r * n, *q = y + r * n;
        if (act == ACT_NONE) {
#pragma omp simd
            for (long i = 0; i < n; i++) p[i] = q[i] = p[i] + bias[i];
        } else if (act == ACT_SILU) {
#pragma omp simd
            for (long i = 0; i < n; i++) {
                float v = p[i] + bias[i];
                p[i] = v;
                q[i] = K(silu)(v);
            }
        } else {
#pragma omp simd
            for (long i = 0; i < n; i++) {
                float v = p[i] + bias[i];
                p[i] = v;
                q[i] = K(gelu)(v);
            }
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

static void K(bias_residual)(int threads, float *out, const float *x, const float *y, const float *bias, long rows, long n) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * n, *q = y + r * n;
        float *o = out + r * n;
#pragma omp simd
        for (long i = 0; i < n; i++) o[i] = p[i] + q[i] + bias[i];
    }
}
