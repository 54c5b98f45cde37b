// Rows of a table by index, and the cross entropy of a softmax.
#ifndef OPS_BODY
#define CODES_OPS(OP)                                                                                                              \
    OP(void, gather, (int th, float *y, const float *table, const int *index, long rows, long n), (th, y, table, index, rows, n))  \
    OP(void, gather_backward, (int th, float *dtable, const float *dy, const int *index, long rows, long n),                       \
       (th, dtable, dy, index, rows, n))                                                                                           \
    OP(void, cross_entropy, (int th, float *loss, float *grad, const float *x, const int *target, long rows, long n, float scale), \
       (th, loss, grad, x, target, rows, n, scale))
#else

static void K(gather)(int threads, float *y, const float *table, const int *index, long rows, long n) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) memcpy(y + r * n, table + index[r] * n, sizeof(float) * n);
}

// Columns are split, so that the order of additions does not depend on the threads.
static void K(gather_backward)(int threads, float *dtable, const float *dy, const int *index, long rows, long n) {
    long blocks = (n + 31) / 32;
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long k = 0; k < blocks; k++) {
        long lo = k * 32, hi = lo + 32 < n ? lo + 32 : n;
        for (long r = 0; r < rows; r++) {
            float *t = dtable + index[r] * n;
            const float *d = dy + r * n;
#pragma omp simd
            for (long i = lo; i < hi; i++) t[i] += d[i];
        }
    }
}

static void K(cross_entropy)(int threads, float *loss, float *grad, const float *x, const int *target, long rows, long n,
                             float scale) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL / 4)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * n;
        float *g = grad + r * n, most = p[0], sum = 0, own = p[target[r]];
#pragma omp simd reduction(max : most)
        for (long i = 0; i < n; i++) most = p[i] > most ? p[i] : most;
#pragma omp simd reduction(+ : sum)
        for (long i = 0; i < n; i++) {
            float e = K(expf)(p[i] - most);
            g[i] = e;
            sum += e;
        }
        float by = scale / sum;
#pragma omp simd
        for (long i = 0; i < n; i++) g[i] *= by;
        g[target[r]] -= scale;
        loss[r] = logf(sum) + (most - own);
    }
}
#endif
