// C ← epilogue(α·op(A)·op(B) + β·C) in fp32, for devices without cuBLAS and for
// the shapes where the epilogue in the tile is worth more. Twin: models/gemm.
//
// A block of 256 threads computes a SIDE × SIDE tile, R × R results a thread,
// in slices of 16 of the depth; the next slice is loaded into registers while
// this one is used. gridDim.z splits the depth: the splits go to part
// [splits, m, n] and finish (bias.cu) adds them in order.
#include "epilogue.h"

enum { SLICE = 16, THREADS = 256 };

// Element (i, j) of a row-major operand, or of its transpose; 0 outside.
template <bool TRANS> KC_DEVICE float operand(const float *x, int ld, i64 i, i64 j, int rows, int cols) {
    if (i >= rows || j >= cols) return 0.0f;
    return TRANS ? x[j * ld + i] : x[i * ld + j];
}

template <int SIDE, int R, bool TA, bool TB>
KC_DEVICE void product(float *s, float *c, const float *a, const float *b, int m, int n, int k, int lda, int ldb, int depth,
                       const Result &result) {
    enum { LOADS = SIDE * SLICE / THREADS, LD = SIDE + 4, FOURS = R / 4 };
    float *as = s, *bs = s + SLICE * LD;
    int tid = threadIdx.x, tx = tid % 16, ty = tid / 16;
    i64 row0 = (i64)blockIdx.x * SIDE, col0 = (i64)blockIdx.y * SIDE;
    int from = blockIdx.z * depth, to = from + depth < k ? from + depth : k;
    float acc[R][R], ra[LOADS], rb[LOADS];
    UNROLL for (int i = 0; i < R; i++) UNROLL for (int j = 0; j < R; j++) acc[i][j] = 0;

    // Consecutive threads read consecutive addresses, whichever way that is.
    auto fetch = [&](int k0) {
        UNROLL for (int l = 0; l < LOADS; l++) {
            int at = tid + l * THREADS;
            int ar = TA ? at % SIDE : at / SLICE, ak = TA ? at / SIDE : at % SLICE;
            int bc = TB ? at / SLICE : at % SIDE, bk = TB ? at % SLICE : at / SIDE;
            ra[l] = operand<TA>(a, lda, row0 + ar, k0 + ak, m, to);
            rb[l] = operand<TB>(b, ldb, k0 + bk, col0 + bc, to, n);
        }
    };
    fetch(from);
    for (int k0 = from; k0 < to; k0 += SLICE) {
        UNROLL for (int l = 0; l < LOADS; l++) {
            int at = tid + l * THREADS;
            int ar = TA ? at % SIDE : at / SLICE, ak = TA ? at / SIDE : at % SLICE;
            int bc = TB ? at / SLICE : at % SIDE, bk = TB ? at % SLICE : at / SIDE;
            as[ak * LD + ar] = ra[l];
            bs[bk * LD + bc] = rb[l];
        }
        kc_barrier();
        if (k0 + SLICE < to) fetch(k0 + SLICE);
        UNROLL for (int kk = 0; kk < SLICE; kk++) {
            float u[R], v[R];
            UNROLL for (int f = 0; f < FOURS; f++) {
                kc_f4 p = *(const kc_f4 *)(as + kk * LD + f * 64 + ty * 4), q = *(const kc_f4 *)(bs + kk * LD + f * 64 + tx * 4);
                u[4 * f] = p.x, u[4 * f + 1] = p.y, u[4 * f + 2] = p.z, u[4 * f + 3] = p.w;
                v[4 * f] = q.x, v[4 * f + 1] = q.y, v[4 * f + 2] = q.z, v[4 * f + 3] = q.w;
            }
            UNROLL for (int i = 0; i < R; i++) UNROLL for (int j = 0; j < R; j++) acc[i][j] += u[i] * v[j];
        }
        kc_barrier();
    }
    // The results pass through shared memory, 16 rows at a time: one loop over
    // them keeps the code small and the writes together.
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int j = 0; j < R; j++) s[ty * SIDE + j / 4 * 64 + tx * 4 + j % 4] = acc[i][j];
        kc_barrier();
        ROLLED for (int at = tid; at < 16 * SIDE; at += THREADS)
            put(result, s[at], row0 + i / 4 * 64 + at / SIDE * 4 + i % 4, col0 + at % SIDE);
        kc_barrier();
    }
}

#define GEMM(name, SIDE, R, TA, TB, blocks)                                                                                        \
    KERNEL(name, 256, blocks)                                                                                                      \
    (float *c, const float *a, const float *b, int m, int n, int k, int lda, int ldb, int ldc, float alpha, float beta, int depth, \
     float *part, const float *bias, float *pre, int act, const float *gate, int ldgate, const float *residual) {                  \
        SHARED(s);                                                                                                                 \
        if (gridDim.z > 1) part += (i64)blockIdx.z * m * n;                                                                        \
        Result r = {c, gridDim.z > 1 ? part : 0, m, n, ldc, alpha, beta, {bias, pre, act, gate, ldgate, residual}};                \
        product<SIDE, R, TA, TB>(s, c, a, b, m, n, k, lda, ldb, depth, r);                                                         \
    }                                                                                                                              \
    EXPORT(name, 256)

GEMM(gemm_nn_64, 64, 4, false, false, 2)
GEMM(gemm_nt_64, 64, 4, false, true, 2)
GEMM(gemm_tn_64, 64, 4, true, false, 2)
GEMM(gemm_tt_64, 64, 4, true, true, 2)
GEMM(gemm_nn_128, 128, 8, false, false, 1)
GEMM(gemm_nt_128, 128, 8, false, true, 1)
GEMM(gemm_tn_128, 128, 8, true, false, 1)
GEMM(gemm_tt_128, 128, 8, true, true, 1)
