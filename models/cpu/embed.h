// Assembly of the trunk's input, and its gradient.
#ifndef OPS_BODY
#define EMBED_OPS(OP)                                                                                                              \
    OP(void, embed,                                                                                                                \
       (int th, float *u, const float *proj, const float *start, const float *inpos, const float *pos, const float *class,         \
        const int *labels, const int *order, long batch, long at, long n, long proj_at, long proj_tokens, long width, long block), \
       (th, u, proj, start, inpos, pos, class, labels, order, batch, at, n, proj_at, proj_tokens, width, block))                   \
    OP(void, embed_backward,                                                                                                       \
       (int th, float *dproj, float *dstart, float *dinpos, float *dpos, float *dclass, const float *du, const int *labels,        \
        const int *order, long batch, long tokens, long width, long block),                                                        \
       (th, dproj, dstart, dinpos, dpos, dclass, du, labels, order, batch, tokens, width, block))
#else

static void K(embed)(int threads, float *u, const float *proj, const float *start, const float *inpos, const float *pos,
                     const float *class, const int *labels, const int *order, long batch, long at, long n, long proj_at,
                     long proj_tokens, long width, long block) {
#pragma omp parallel for num_threads(threads) schedule(static) if (batch * n * width > SERIAL)
    for (long b = 0; b < batch; b++)
        for (long t = 0; t < n; t++) {
            long i = at + t, j = i - block;
            float *o = u + (b * n + t) * width;
            const float *p = pos + order[i] * width, *c = class ? class + labels[b] * width : 0;
            if (!pos) { // no places
                const float *s = j < 0 ? start + i * width : proj + (b * proj_tokens + j - proj_at) * width;
#pragma omp simd
                for (long x = 0; x < width; x++) o[x] = s[x];
            } else if (j < 0) {
                const float *s = start + i * width;
#pragma omp simd
                for (long x = 0; x < width; x++) o[x] = s[x] + p[x];
            } else {
                const float *s = proj + (b * proj_tokens + j - proj_at) * width, *q = inpos + order[j] * width;
#pragma omp simd
                for (long x = 0; x < width; x++) o[x] = s[x] + q[x] + p[x];
            }
            if (!c) continue;
#pragma omp simd
            for (long x = 0; x < width; x++) o[x] += c[x];
        }
}

static void K(embed_backward)(int threads, float *dproj, float *dstart, float *dinpos, float *dpos, float *dclass, const float *du,
                              const int *labels, const int *order, long batch, long tokens, long width, long block) {
    // Tokens are independent everywhere but in dclass.
#pragma omp parallel for num_threads(threads) schedule(static) if (batch * tokens * width > SERIAL)
    for (long i = 0; i < tokens; i++) {
        float *p = dpos ? dpos + order[i] * width : 0;
        float *q = i < block ? dstart + i * width : dinpos ? dinpos + order[i - block] * width : 0;
        for (long b = 0; b < batch; b++) {
            const float *d = du + (b * tokens + i) * width;
            if (p && q) {
#pragma omp simd
                for (long x = 0; x < width; x++) {
                    p[x] += d[x];
                    q[x] += d[x];
                }
            } else if (q) { // no places: a start
#pragma omp simd
                for (long x = 0; x < width; x++) q[x] += d[x];
            }
            if (i >= block) memcpy(dproj + (b * tokens + i - block) * width, d, sizeof(float) * width);
            if (i >= tokens - block) memset(dproj + (b * tokens + i) * width, 0, sizeof(float) * width);
        }
    }
    if (!dclass) return;
    long blocks = (width + 31) / 32;
#pragma omp parallel for num_threads(threads) schedule(static) if (batch * tokens * width > SERIAL)
    for (long k = 0; k < blocks; k++) {
        long lo = k * 32, hi = lo + 32 < width ? lo + 32 : width;
        for (long b = 0; b < batch; b++) {
            float *c = dclass + labels[b] * width;
            for (long i = 0; i < tokens; i++) {
                const float *d = du + (b * tokens + i) * width;
#pragma omp simd
                for (long x = lo; x < hi; x++) c[x] += d[x];
            }
        }
    }
}
#endif
