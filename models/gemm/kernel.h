// The register tile: mr rows of C by nv vectors, held in accumulators while k
// runs. Every element of C is one chain of multiply-adds in the order of k, so
// its bits do not depend on the tile that computes it, nor on rows, columns or
// threads around it.
// op(A)[i, p] is a[i·rs + p·cs], op(B)[p, j] is b[p·ldb + j] in rows of nv
// vectors. Behind a row's w columns may lie anything that can be read; the last
// row is read from last, since behind it may lie nothing. C is not read for
// beta 0.
INLINE void K(tile)(const int mr, const int nv, long k, const float *a, long rs, long cs, const float *b, long ldb,
                    const float *last, float alpha, float beta, float *c, long ldc, long w) {
    VEC acc[MR][NV];
    const float *row[2] = {a, a + 3 * rs}; // addresses i·rs for i < 3 are cheap
    K(ahead)(c, ldc, mr, 1);
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++) acc[i][v] = (VEC){0};
    for (; k > 1; k--) {
        VEC y[NV];
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++) y[v] = LOAD(b + v * L);
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++) {
            float x = row[i / 3][i % 3 * rs];
#pragma GCC unroll 8
            for (int v = 0; v < nv; v++) acc[i][v] += x * y[v];
        }
        row[0] += cs, row[1] += cs, b += ldb;
    }
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        float x = row[i / 3][i % 3 * rs];
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++) acc[i][v] += x * LOAD(last + v * L);
    }
    w -= (nv - 1) * L;
    if (w >= L) {
        if (beta != 0)
            K(write)(mr, nv, 1, 1, acc, alpha, beta, c, ldc, w);
        else
            K(write)(mr, nv, 0, 1, acc, alpha, beta, c, ldc, w);
    } else {
        if (beta != 0)
            K(write)(mr, nv, 1, 0, acc, alpha, beta, c, ldc, w);
        else
            K(write)(mr, nv, 0, 0, acc, alpha, beta, c, ldc, w);
    }
}

typedef void K(tile_fn)(long k, const float *a, long rs, long cs, const float *b, long ldb, const float *last, float alpha,
                        float beta, float *c, long ldc, long w);
#define TILE(mr, nv)                                                                                                               \
    static void K(tile_##mr##_##nv)(long k, const float *a, long rs, long cs, const float *b, long ldb, const float *last,         \
                                    float alpha, float beta, float *c, long ldc, long w) {                                         \
        K(tile)(mr, nv, k, a, rs, cs, b, ldb, last, alpha, beta, c, ldc, w);                                                       \
    }
#if NV == 4
#define TILES(mr) TILE(mr, 1) TILE(mr, 2) TILE(mr, 3) TILE(mr, 4)
#define ENTRIES(mr) {K(tile_##mr##_1), K(tile_##mr##_2), K(tile_##mr##_3), K(tile_##mr##_4)}
#else
#define TILES(mr) TILE(mr, 1) TILE(mr, 2)
#define ENTRIES(mr) {K(tile_##mr##_1), K(tile_##mr##_2)}
#endif
TILES(1)
TILES(2)
TILES(3)
TILES(4)
TILES(5)
TILES(6)
static K(tile_fn) *const K(tiles)[MR][NV] = {ENTRIES(1), ENTRIES(2), ENTRIES(3), ENTRIES(4), ENTRIES(5), ENTRIES(6)};
#undef TILE
#undef TILES
#undef ENTRIES
