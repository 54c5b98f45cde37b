// bf16 products with fp32 sums (vdpbf16ps): A and B are rounded to bf16, to
// nearest even, while they are packed; C stays fp32. Pairs of neighbours in k
// share a 32-bit lane: a packed panel of B is [k/2][width] pairs, a tile of A
// [rows][k/2], or part of [k/2][ACROSS] from a transposed A.
#if defined(__x86_64__) && defined(__GNUC__)
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma,prefer-vector-width=512")
#include <immintrin.h>
#include <stdint.h>
#include <string.h>
#include "own.h"
#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define K(name) JOIN(name, bf16)
#define VECTOR_BYTES 64
#define NV 4
enum { MR = 6 };
#include "vector.h"
#include "finish.h"
#define PANEL (NV * L)

INLINE __m512i wide(__m512 x) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x)); }

// Two rows of 16 values as 16 pairs.
INLINE __m512i pairs(VEC even, VEC odd) { return _mm512_or_si512(wide((__m512)even), _mm512_slli_epi32(wide((__m512)odd), 16)); }

INLINE VEC first(const float *p, long n) { return n >= L ? LOAD(p) : K(load_some)(p, n); }

// One panel of w columns of op(B)[p, j] = b[p·ldb + j].
static void pack_rows(uint32_t *dst, const float *b, long ldb, long k, long w) {
    long width = (w + L - 1) / L * L;
    for (long p = 0; p < k; p += 2, dst += width, b += 2 * ldb)
        for (long j = 0; j < w; j += L)
            _mm512_storeu_si512(dst + j, pairs(first(b + j, w - j), p + 1 < k ? first(b + ldb + j, w - j) : (VEC){0}));
}

// n values of a row, then 0, as pairs: (n + 1)/2 of them.
INLINE void pack_line(uint32_t *dst, const float *a, long n) {
    long p = 0;
    for (; p + L <= n; p += L) _mm256_storeu_si256((void *)(dst + p / 2), (__m256i)_mm512_cvtneps_pbh((__m512)LOAD(a + p)));
    if (p < n) {
        __m256i rest = (__m256i)_mm512_cvtneps_pbh((__m512)K(load_some)(a + p, n - p));
        _mm256_mask_storeu_epi32(dst + p / 2, (__mmask8)((1u << ((n - p + 1) / 2)) - 1), rest);
    }
}

// One panel of w columns of op(B)[p, j] = b[j·ldb + p]; line holds k values.
static void pack_columns(uint32_t *dst, const float *b, long ldb, long k, long w, uint32_t *line) {
    long width = (w + L - 1) / L * L, half = (k + 1) / 2;
    for (long j = 0; j < width; j++) {
        if (j < w)
            pack_line(line, b + j * ldb, k);
        else
            memset(line, 0, half * sizeof *line);
        for (long p = 0; p < half; p++) dst[p * width + j] = line[p];
    }
}

enum {
    TOGETHER = 8,          // tiles of a transposed A that are packed together
    ACROSS = TOGETHER * MR // pairs of a row of theirs, three vectors
};

// Rows of op(A)[i, p] = a[p·lda + i], up to ACROSS of them, as [k/2][ACROSS] pairs.
static void pack_tiles(uint32_t *dst, const float *a, long lda, long k, long rows) {
    for (long p = 0; p < k; p += 2, dst += ACROSS, a += 2 * lda)
        for (long i = 0; i < rows; i += L)
            _mm512_storeu_si512(dst + i, pairs(first(a + i, rows - i), p + 1 < k ? first(a + lda + i, rows - i) : (VEC){0}));
}

// The rows of A that tile t + 1 of the rows from i0 on reads, k values from p0 on, fetched
// into the second-level cache while tile t is computed.
INLINE void next_rows(const struct product *g, long i0, long t, long tiles, long rows, long p0, long k) {
    if (g->trans_a || t + 1 >= tiles) return;
    for (long i = i0 + rows * (t + 1) / tiles, end = i0 + rows * (t + 2) / tiles; i < end; i++)
        for (long p = p0; p < p0 + k; p += L) __builtin_prefetch(g->a + i * g->lda + p, 0, 2);
}

INLINE void tile(const int mr, const int nv, long half, const uint32_t *a, long rs, long cs, const uint32_t *b, long width,
                 float alpha, float beta, float *c, long ldc, long w) {
    VEC acc[MR][NV];
    const uint32_t *row[2] = {a, a + 3 * rs};
    K(ahead)(c, ldc, mr, 1);
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++) acc[i][v] = (VEC){0};
    for (; half; half--, row[0] += cs, row[1] += cs, b += width) {
        __m512i y[NV];
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++) y[v] = _mm512_loadu_si512(b + v * L);
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++) {
            __m512i x = _mm512_set1_epi32(row[i / 3][i % 3 * rs]);
#pragma GCC unroll 8
            for (int v = 0; v < nv; v++) acc[i][v] = (VEC)_mm512_dpbf16_ps((__m512)acc[i][v], (__m512bh)x, (__m512bh)y[v]);
        }
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

typedef void tile_fn(long half, const uint32_t *a, long rs, long cs, const uint32_t *b, long width, float alpha, float beta,
                     float *c, long ldc, long w);
#define TILE(mr, nv)                                                                                                               \
    static void tile_##mr##_##nv(long half, const uint32_t *a, long rs, long cs, const uint32_t *b, long width, float alpha,       \
                                 float beta, float *c, long ldc, long w) {                                                         \
        tile(mr, nv, half, a, rs, cs, b, width, alpha, beta, c, ldc, w);                                                           \
    }
#define TILES(mr) TILE(mr, 1) TILE(mr, 2) TILE(mr, 3) TILE(mr, 4)
#define ENTRIES(mr) {tile_##mr##_1, tile_##mr##_2, tile_##mr##_3, tile_##mr##_4}
TILES(1)
TILES(2)
TILES(3)
TILES(4)
TILES(5)
TILES(6)
static tile_fn *const tiles[MR][NV] = {ENTRIES(1), ENTRIES(2), ENTRIES(3), ENTRIES(4), ENTRIES(5), ENTRIES(6)};

static void block(const struct product *g, long i0, long i1, long j0, long j1, float *scratch) {
    uint32_t *packed = (uint32_t *)scratch, *packed_a = packed + SCRATCH_B;
    long rows = i1 - i0, run = run_length(g->k), count = (rows + MR - 1) / MR;
    long group = g->packed ? g->n : SCRATCH_B / (run / 2) / PANEL * PANEL, npad = (g->n + L - 1) / L * L;
    for (long p0 = 0; p0 < g->k; p0 += run) {
        long k = g->k - p0 < run ? g->k - p0 : run, half = (k + 1) / 2;
        float beta = p0 ? 1 : g->beta;
        int last = g->finish && p0 + k == g->k;
        for (long jc = j0; jc < j1; jc += group) {
            long jend = j1 - jc < group ? j1 : jc + group;
            // Panels of this run of k: from column jc on, or all of the run's.
            const uint32_t *panels = g->packed ? (const uint32_t *)g->packed + p0 / 2 * npad + jc * half : packed;
            for (long j = jc; j < jend && !g->packed; j += PANEL) {
                long w = jend - j < PANEL ? jend - j : PANEL;
                uint32_t *to = packed + (j - jc) * half;
                if (g->trans_b)
                    pack_columns(to, g->b + j * g->ldb + p0, g->ldb, k, w, packed_a);
                else
                    pack_rows(to, g->b + p0 * g->ldb + j, g->ldb, k, w);
            }
            for (long t = 0; t < count; t++) {
                long i = i0 + rows * t / count, mr = i0 + rows * (t + 1) / count - i, rs = half, cs = 1;
                const uint32_t *a = packed_a;
                if (g->trans_a) {
                    long from = t / TOGETHER * TOGETHER, to = from + TOGETHER < count ? from + TOGETHER : count,
                         start = i0 + rows * from / count;
                    if (t == from) pack_tiles(packed_a, g->a + p0 * g->lda + start, g->lda, k, i0 + rows * to / count - start);
                    a += i - start, rs = 1, cs = ACROSS;
                } else
                    for (long r = 0; r < mr; r++) pack_line(packed_a + r * half, g->a + (i + r) * g->lda + p0, k);
                if (jc == j0) next_rows(g, i0, t, count, rows, p0, k);
                for (long j = jc; j < jend; j += PANEL) {
                    long w = jend - j < PANEL ? jend - j : PANEL, width = (w + L - 1) / L * L;
                    if (last) K(ahead_of_finish)(g->finish, i, mr, j);
                    tiles[mr - 1][width / L - 1](half, a, rs, cs, panels + (j - jc) * half, width, g->alpha, beta,
                                                 g->c + i * g->ldc + j, g->ldc, w);
                    if (last) K(finish)(g, i, mr, j, w);
                }
            }
        }
    }
}

// The whole of op(B) [k, n]; line holds a run of a column.
static void pack(float *dst, int trans_b, const float *b, long ldb, long k, long n) {
    uint32_t line[DEPTH], *to = (uint32_t *)dst;
    for (long p0 = 0, run = run_length(k); p0 < k; p0 += run) {
        long depth = k - p0 < run ? k - p0 : run;
        for (long j = 0; j < n; j += PANEL) {
            long w = n - j < PANEL ? n - j : PANEL;
            if (trans_b)
                pack_columns(to, b + j * ldb + p0, ldb, depth, w, line);
            else
                pack_rows(to, b + p0 * ldb + j, ldb, depth, w);
            to += (depth + 1) / 2 * ((w + L - 1) / L * L);
        }
    }
}

const struct path gemm_path_bf16 = {.panel = PANEL, .lanes = L, .pack = pack, .block = block};
#endif
