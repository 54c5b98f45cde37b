// Packed B: panels of PANEL columns (the last as many whole vectors as it
// needs), each [k][width], columns past n filled with 0.
#define PANEL (NV * L)

INLINE long K(panel_width)(long n) { return n >= PANEL ? PANEL : (n + L - 1) / L * L; }

// One panel of w columns from b with op(B)[p, j] = b[p·ldb + j].
static void K(pack_rows)(float *dst, const float *b, long ldb, long k, long w) {
    long width = K(panel_width)(w), whole = w / L, rest = w % L;
    for (long p = 0; p < k; p++, dst += width, b += ldb) {
        for (long v = 0; v < whole; v++) STORE(dst + v * L, LOAD(b + v * L));
        if (rest) STORE(dst + whole * L, K(load_some)(b + whole * L, rest));
    }
}

// One panel of w columns from b with op(B)[p, j] = b[j·ldb + p].
static void K(pack_columns)(float *dst, const float *b, long ldb, long k, long w) {
    long width = K(panel_width)(w);
    for (long j = 0; j < w; j++)
        for (long p = 0; p < k; p++) dst[p * width + j] = b[j * ldb + p];
    for (long j = w; j < width; j++)
        for (long p = 0; p < k; p++) dst[p * width + j] = 0;
}

// A tile of rows ≤ MR rows of op(A)[i, p] = a[p·lda + i] as [k][MR].
static void K(pack_tile)(float *dst, const float *a, long lda, long k, long rows) {
#define COPY(r)                                                                                                                    \
    case r:                                                                                                                        \
        for (; k; k--, dst += MR, a += lda) memcpy(dst, a, r * sizeof(float));                                                     \
        break;
    switch (rows) { COPY(1) COPY(2) COPY(3) COPY(4) COPY(5) COPY(6) }
#undef COPY
}

// The whole of op(B) [k, n].
static void K(pack)(float *dst, int trans_b, const float *b, long ldb, long k, long n) {
    for (long p0 = 0, run = run_length(k); p0 < k; p0 += run) {
        long depth = k - p0 < run ? k - p0 : run;
        for (long j = 0; j < n; j += PANEL) {
            long w = n - j < PANEL ? n - j : PANEL;
            if (trans_b)
                K(pack_columns)(dst, b + j * ldb + p0, ldb, depth, w);
            else
                K(pack_rows)(dst, b + p0 * ldb + j, ldb, depth, w);
            dst += depth * K(panel_width)(w);
        }
    }
}
