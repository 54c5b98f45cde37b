// One to STREAM rows against a B that is larger than the second-level cache: rows of
// B are read whole, DEEP of them side by side, which the memory likes better
// than the short runs of a panel. Sums keep the order of k.
enum { STREAM = 2, DEEP = 8 };

INLINE void K(sweep)(const int mr, const int deep, float *acc, long n, const float *a, long rs, long cs, const float *b, long ldb) {
    float x[STREAM][DEEP];
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int p = 0; p < deep; p++) x[i][p] = a[i * rs + p * cs];
    long j = 0;
    for (; j + L <= n; j += L) {
        VEC s[STREAM];
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++) s[i] = LOAD(acc + i * n + j);
#pragma GCC unroll 8
        for (int p = 0; p < deep; p++) {
            VEC y = LOAD(b + p * ldb + j);
#pragma GCC unroll 8
            for (int i = 0; i < mr; i++) s[i] += x[i][p] * y;
        }
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++) STORE(acc + i * n + j, s[i]);
    }
    if (j == n) return;
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        VEC s = K(load_some)(acc + i * n + j, n - j);
        for (int p = 0; p < deep; p++) s += x[i][p] * K(load_some)(b + p * ldb + j, n - j);
        K(store_some)(acc + i * n + j, s, n - j);
    }
}

#define SWEEPS(mr)                                                                                                                 \
    static void K(stream_##mr)(float *acc, long n, long k, const float *a, long rs, long cs, const float *b, long ldb) {           \
        for (; k >= DEEP; k -= DEEP, a += DEEP * cs, b += DEEP * ldb) K(sweep)(mr, DEEP, acc, n, a, rs, cs, b, ldb);               \
        for (; k; k--, a += cs, b += ldb) K(sweep)(mr, 1, acc, n, a, rs, cs, b, ldb);                                              \
    }
SWEEPS(1)
SWEEPS(2)
#undef SWEEPS

// Rows [i0, i1), columns [j0, j1) of C for the run of k from p0.
static void K(stream)(const struct product *g, long i0, long i1, long j0, long j1, long p0, long k, float beta, float *acc) {
    long rows = i1 - i0, n = j1 - j0, rs = g->trans_a ? 1 : g->lda, cs = g->trans_a ? g->lda : 1;
    memset(acc, 0, rows * n * sizeof(float));
    (rows == 1 ? K(stream_1) : K(stream_2))(acc, n, k, g->a + i0 * rs + p0 * cs, rs, cs, g->b + p0 * g->ldb + j0, g->ldb);
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < n; j += L) {
            float *c = g->c + (i0 + i) * g->ldc + j0 + j;
            VEC x = g->alpha * LOAD(acc + i * n + j); // scratch goes on behind the last row
            if (n - j >= L)
                STORE(c, beta != 0 ? x + beta * LOAD(c) : x);
            else
                K(store_some)(c, beta != 0 ? x + beta * K(load_some)(c, n - j) : x, n - j);
        }
}
