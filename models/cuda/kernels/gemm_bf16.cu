// The products of gemm.cu with operands rounded to bf16 and sums in fp32, on
// tensor cores (devices from 8.0). Twin: models/gemm/bf16.go.
//
// A block of 2·SIDE threads computes a SIDE × SIDE tile in slices of 32 of the
// depth; a warp computes SIDE/2 × 32 of it. A slice lies in shared memory as
// pairs of bf16 along the depth, in the direction in which the operand lies in
// memory: [side][16 pairs] with rows of 20 words, or [16 pairs][side] with rows
// of SIDE + 8; either way a warp's fragments come from 32 different banks.
#include "epilogue.h"

enum { PAIRS = 16, ALONG = PAIRS + 4 };

enum Source { ROWS, COLUMNS, PACKED }; // pairs lie together; a row apart; are made already

template <int SIDE, Source S> struct Slice {
    enum { THREADS = 2 * SIDE, LOADS = SIDE * PAIRS / THREADS };
    float lo[LOADS], hi[LOADS];

    static KC_MEMBER int side(int at) { return S == ROWS ? at / PAIRS : at % SIDE; }
    static KC_MEMBER int pair(int at) { return S == ROWS ? at % PAIRS : at / SIDE; }
    static KC_MEMBER int place(int side, int pair) { return S == ROWS ? side * ALONG + pair : pair * (SIDE + 8) + side; }

    // Loads the pairs of the slice at depth k0, 0 outside [limit] and [to].
    KC_MEMBER void fetch(const float *x, i64 ld, i64 first, i64 limit, int k0, int to) {
        UNROLL for (int l = 0; l < LOADS; l++) {
            int at = threadIdx.x + l * THREADS;
            i64 i = first + side(at), k = k0 + 2 * pair(at);
            lo[l] = hi[l] = 0;
            if (i >= limit) continue;
            if (S == PACKED) {
                if (k < to) lo[l] = x[k / 2 * ld + i];
                continue;
            }
            if (k < to) lo[l] = S == ROWS ? x[i * ld + k] : x[k * ld + i];
            if (k + 1 < to) hi[l] = S == ROWS ? x[i * ld + k + 1] : x[(k + 1) * ld + i];
        }
    }
    KC_MEMBER void store(u32 *s) const {
        UNROLL for (int l = 0; l < LOADS; l++) {
            int at = threadIdx.x + l * THREADS;
            s[place(side(at), pair(at))] = S == PACKED ? kc_bits(lo[l]) : kc_bf16x2(lo[l], hi[l]);
        }
    }
};

template <int SIDE, Source SA, Source SB>
KC_DEVICE void product(float *shared, float *c, const float *a, const float *b, int m, int n, int k, int lda, int ldb, int depth,
                       const Result &result) {
    enum { M = SIDE / 32, N = 4, SPACE = SIDE * ALONG > PAIRS * (SIDE + 8) ? SIDE * ALONG : PAIRS * (SIDE + 8) };
    typedef Slice<SIDE, SA> A;
    typedef Slice<SIDE, SB> B;
    u32 *as = (u32 *)shared, *bs = as + SPACE;
    int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    int wr = warp % 2 * (SIDE / 2), wc = warp / 2 * 32;
    i64 row0 = (i64)blockIdx.x * SIDE, col0 = (i64)blockIdx.y * SIDE;
    int from = blockIdx.z * depth, to = from + depth < k ? from + depth : k;
    float acc[M][N][4];
    UNROLL for (int i = 0; i < M; i++) UNROLL for (int j = 0; j < N; j++) UNROLL for (int l = 0; l < 4; l++) acc[i][j][l] = 0;

    A fa;
    B fb;
    fa.fetch(a, lda, row0, m, from, to);
    fb.fetch(b, ldb, col0, n, from, to);
    for (int k0 = from; k0 < to; k0 += 2 * PAIRS) {
        fa.store(as);
        fb.store(bs);
        kc_barrier();
        if (k0 + 2 * PAIRS < to) {
            fa.fetch(a, lda, row0, m, k0 + 2 * PAIRS, to);
            fb.fetch(b, ldb, col0, n, k0 + 2 * PAIRS, to);
        }
        UNROLL for (int p = 0; p < PAIRS; p += 8) {
            u32 x[M][4], y[N][2];
            UNROLL for (int i = 0; i < M; i++) UNROLL for (int l = 0; l < 4; l++) x[i][l] =
                as[A::place(wr + i * 16 + g + l % 2 * 8, p + t + l / 2 * 4)];
            UNROLL for (int j = 0; j < N; j++) UNROLL for (int l = 0; l < 2; l++) y[j][l] =
                bs[B::place(wc + j * 8 + g, p + t + l * 4)];
            UNROLL for (int i = 0; i < M; i++) UNROLL for (int j = 0; j < N; j++) kc_mma(acc[i][j], x[i], y[j]);
        }
        kc_barrier();
    }
    // The results pass through shared memory, 32 rows at a time: one loop over
    // them keeps the code small and the writes together.
    UNROLL for (int i = 0; i < M; i++) {
        UNROLL for (int j = 0; j < N; j++) UNROLL for (int l = 0; l < 4; l++)
            shared[(warp % 2 * 16 + g + l / 2 * 8) * SIDE + wc + j * 8 + 2 * t + l % 2] = acc[i][j][l];
        kc_barrier();
        ROLLED for (int at = threadIdx.x; at < 32 * SIDE; at += 2 * SIDE) {
            int q = at / SIDE;
            put(result, shared[at], row0 + q / 16 * (SIDE / 2) + i * 16 + q % 16, col0 + at % SIDE);
        }
        kc_barrier();
    }
}

#define GEMM(name, SIDE, SA, SB, blocks)                                                                                           \
    KERNEL(name, 2 * SIDE, blocks)                                                                                                 \
    (float *c, const float *a, const float *b, int m, int n, int k, int lda, int ldb, int ldc, float alpha, float beta, int depth, \
     float *part, const float *bias, float *pre, int act, const float *gate, int ldgate, const float *residual) {                  \
        SHARED(s);                                                                                                                 \
        if (gridDim.z > 1) part += (i64)blockIdx.z * m * n;                                                                        \
        Result r = {c, gridDim.z > 1 ? part : 0, m, n, ldc, alpha, beta, {bias, pre, act, gate, ldgate, residual}};                \
        product<SIDE, SA, SB>(s, c, a, b, m, n, k, lda, ldb, depth, r);                                                            \
    }                                                                                                                              \
    EXPORT(name, 2 * SIDE)

GEMM(gemm_bf16_nn_64, 64, ROWS, COLUMNS, 2)
GEMM(gemm_bf16_nt_64, 64, ROWS, ROWS, 2)
GEMM(gemm_bf16_tn_64, 64, COLUMNS, COLUMNS, 2)
GEMM(gemm_bf16_tt_64, 64, COLUMNS, ROWS, 2)
GEMM(gemm_bf16_nn_128, 128, ROWS, COLUMNS, 1)
GEMM(gemm_bf16_nt_128, 128, ROWS, ROWS, 1)
GEMM(gemm_bf16_tn_128, 128, COLUMNS, COLUMNS, 1)
GEMM(gemm_bf16_tt_128, 128, COLUMNS, ROWS, 1)
GEMM(linear_packed_64, 64, ROWS, PACKED, 2)
GEMM(linear_packed_128, 128, ROWS, PACKED, 1)
