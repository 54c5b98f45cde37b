#ifndef OPS_BODY
#define POOL_OPS(OP)                                                                                                               \
    OP(void, max_pool, (int th, float *y, const float *x, const float *scale, const float *shift, long rows, long group, long n),  \
       (th, y, x, scale, shift, rows, group, n))                                                                                   \
    OP(void, max_pool_backward,                                                                                                    \
       (int th, float *dx, const float *dy, const float *y, const float *x, const float *scale, long rows, long group, long n),    \
       (th, dx, dy, y, x, scale, rows, group, n))
#else

// The largest of a group of rows, mapped and rectified.
static void K(max_pool)(int threads, float *y, const float *x, const float *scale, const float *shift, long rows, long group,
                        long n) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * group * n;
        float *o = y + r * n;
        memcpy(o, p, sizeof(float) * n);
        for (long g = 1; g < group; g++) {
            p += n;
#pragma omp simd
            for (long i = 0; i < n; i++) o[i] = p[i] > o[i] ? p[i] : o[i];
        }
#pragma omp simd
        for (long i = 0; i < n; i++) {
            float v = scale[i] * o[i] + shift[i];
            o[i] = v > 0 ? v : 0;
        }
    }
}

static void K(max_pool_backward)(int threads, float *dx, const float *dy, const float *y, const float *x, const float *scale,
                                 long rows, long group, long n) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * group * n, *d = dy + r * n, *v = y + r * n;
        float *o = dx + r * group * n;
        for (long lo = 0; lo < n; lo += 16) { // all of the columns are read before they are written: o may be p
            long m = n - lo < 16 ? n - lo : 16;
            float top[16], own[16];
            int best[16] = {0};
            memcpy(top, p + lo, sizeof(float) * m);
            for (long g = 1; g < group; g++) {
                const float *q = p + g * n + lo;
#pragma omp simd
                for (long i = 0; i < m; i++) {
                    int more = q[i] > top[i];
                    best[i] = more ? (int)g : best[i];
                    top[i] = more ? q[i] : top[i];
                }
            }
#pragma omp simd
            for (long i = 0; i < m; i++) own[i] = v[lo + i] > 0 ? scale[lo + i] * d[lo + i] : 0;
            for (long g = 0; g < group; g++) {
                float *to = o + g * n + lo;
#pragma omp simd
                for (long i = 0; i < m; i++) to[i] = best[i] == g ? own[i] : 0;
            }
        }
    }
}
#endif
