// Products of matrices that fit a cache, for attention. Accumulators stay in
// registers: MR rows by NR vectors at a time.
typedef float K(vec) __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
#define VEC K(vec)
enum { LANE = 16, VLANES = VECTOR_BYTES / 4, GROUP = LANE / VLANES }; // LANE is a whole number of vectors on every path
#define PAD(n) (((n) + LANE - 1) / LANE * LANE)
#define INLINE static inline __attribute__((always_inline))

INLINE void K(tile)(const int MR, const int NR, float *c, long ldc, const float *a, long ra, long ca, const float *b, long ldb,
                    long k, int add) {
    VEC acc[6][4];
#pragma GCC unroll 6
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NR; j++) acc[i][j] = add ? *(const VEC *)(c + i * ldc + j * VLANES) : (VEC){0};
    for (long p = 0; p < k; p++) {
        VEC v[4];
#pragma GCC unroll 4
        for (int j = 0; j < NR; j++) v[j] = *(const VEC *)(b + p * ldb + j * VLANES);
#pragma GCC unroll 6
        for (int i = 0; i < MR; i++) {
            float s = a[i * ra + p * ca];
#pragma GCC unroll 4
            for (int j = 0; j < NR; j++) acc[i][j] += s * v[j];
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NR; j++) *(VEC *)(c + i * ldc + j * VLANES) = acc[i][j];
}

INLINE void K(tile_rows)(const int NR, float *c, long ldc, const float *a, long ra, long ca, const float *b, long ldb, long m,
                         long k, int add) {
    long i = 0;
    for (; i + 6 <= m; i += 6) K(tile)(6, NR, c + i * ldc, ldc, a + i * ra, ra, ca, b, ldb, k, add);
    if (i + 4 <= m) K(tile)(4, NR, c + i * ldc, ldc, a + i * ra, ra, ca, b, ldb, k, add), i += 4;
    if (i + 2 <= m) K(tile)(2, NR, c + i * ldc, ldc, a + i * ra, ra, ca, b, ldb, k, add), i += 2;
    if (i < m) K(tile)(1, NR, c + i * ldc, ldc, a + i * ra, ra, ca, b, ldb, k, add);
}

// c [m, n] ← [c +] a·b with a(i, p) at a[i·ra + p·ca], rows of b and c
// contiguous and n a whole number of LANE.
static void K(product)(float *c, long ldc, const float *a, long ra, long ca, const float *b, long ldb, long m, long n, long k,
                       int add) {
    enum { WIDE = 2 * VLANES };
    long j = 0;
    for (; j + WIDE <= n; j += WIDE) K(tile_rows)(2, c + j, ldc, a, ra, ca, b + j, ldb, m, k, add);
    for (; j < n; j += VLANES) K(tile_rows)(1, c + j, ldc, a, ra, ca, b + j, ldb, m, k, add);
}

// dst [cols, ldd] ← srcᵀ, zeros from column rows to ldd; squares of 4 × 4 in registers.
typedef float K(four) __attribute__((vector_size(16), aligned(4), may_alias));
#ifdef __clang__
#define PICK(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int K(picks) __attribute__((vector_size(16)));
#define PICK(a, b, i, j, k, l) __builtin_shuffle(a, b, (K(picks)){i, j, k, l})
#endif
static inline void K(transpose)(float *dst, long ldd, const float *src, long lds, long rows, long cols) {
    long whole = rows / 4 * 4, wide = cols / 4 * 4;
    for (long j = 0; j < whole; j += 4) {
        const float *from = src + j * lds;
        for (long c = 0; c < wide; c += 4) {
            K(four)
            r0 = *(const K(four) *)(from + c), r1 = *(const K(four) *)(from + lds + c), r2 = *(const K(four) *)(from + 2 * lds + c),
            r3 = *(const K(four) *)(from + 3 * lds + c);
            K(four)
            a = PICK(r0, r1, 0, 4, 1, 5), b = PICK(r2, r3, 0, 4, 1, 5), d = PICK(r0, r1, 2, 6, 3, 7), e = PICK(r2, r3, 2, 6, 3, 7);
            float *to = dst + c * ldd + j;
            *(K(four) *)to = PICK(a, b, 0, 1, 4, 5);
            *(K(four) *)(to + ldd) = PICK(a, b, 2, 3, 6, 7);
            *(K(four) *)(to + 2 * ldd) = PICK(d, e, 0, 1, 4, 5);
            *(K(four) *)(to + 3 * ldd) = PICK(d, e, 2, 3, 6, 7);
        }
    }
    for (long j = 0; j < rows; j++)
        for (long c = j < whole ? wide : 0; c < cols; c++) dst[c * ldd + j] = src[j * lds + c];
    for (long c = 0; c < cols; c++)
        for (long j = rows; j < ldd; j++) dst[c * ldd + j] = 0;
}

// padded gives rows of src a width of PAD(cols): src itself where it has it,
// otherwise a copy at dst with zeros behind each row.
static inline const float *K(padded)(float *dst, const float *src, long lds, long rows, long cols, long *ld) {
    if (cols % LANE == 0) {
        *ld = lds;
        return src;
    }
    long w = *ld = PAD(cols);
    for (long r = 0; r < rows; r++) {
        memcpy(dst + r * w, src + r * lds, sizeof(float) * cols);
        for (long c = cols; c < w; c++) dst[r * w + c] = 0;
    }
    return dst;
}
