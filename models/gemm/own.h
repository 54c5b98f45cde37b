// Matrix products in vector extensions: what the vector paths, the driver and
// Go share.
#pragma once

enum { ACT_NONE, ACT_SILU, ACT_GELU };

// What follows the product, each part where its pointer is not null:
// v ← C + bias[n], pre ← v, C ← gate·act(v) + residual.
struct finish {
    const float *bias;
    float *pre;
    long ldpre;
    int act;
    const float *gate;
    long ldgate;
    const float *residual;
    long ldresidual;
};

// C ← alpha·op(A)·op(B) + beta·C, row-major. packed, where not null, is B as
// pack left it; finish, where not null, follows.
struct product {
    int trans_a, trans_b;
    long m, n, k;
    float alpha, beta;
    const float *a, *b;
    float *c;
    long lda, ldb, ldc;
    const float *packed;
    const struct finish *finish;
};

// One vector path. pack writes all of op(B), run by run of k, panels within a
// run: rounded_up(n, lanes)·k values, with bf16 half as many. block computes rows [i0, i1) and columns [j0, j1) of C on the
// calling thread; scratch holds gemm_scratch bytes.
struct path {
    int panel, lanes;
    void (*pack)(float *dst, int trans_b, const float *b, long ldb, long k, long n);
    void (*block)(const struct product *g, long i0, long i1, long j0, long j1, float *scratch);
};

enum {
    DEPTH = 512,            // longest run of k between two updates of C
    SCRATCH_B = 160 * 1024, // floats of packed B, within the second-level cache
    SCRATCH_A = 24 * DEPTH, // a packed tile of A; with bf16 eight of them
    SCRATCH_LAST = 64,      // the last row of a panel
    SCRATCH = SCRATCH_B + SCRATCH_A + SCRATCH_LAST,
};

// How k is cut: into equal runs of at most DEPTH, a function of k alone, so
// that the order of every sum is one too.
static inline long run_length(long k) {
    long runs = (k + DEPTH - 1) / DEPTH;
    return ((k + runs - 1) / runs + 7) / 8 * 8;
}

int pra_gemm_lanes(void);
void pra_gemm_pack(int bf16, float *dst, int trans_b, const float *b, long ldb, long k, long n);

int pra_gemm_select(const char *path);
// The product; 0 without memory for scratch.
int pra_gemm(int threads, int trans_a, int trans_b, long m, long n, long k, float alpha, const float *a, long lda, const float *b,
             long ldb, float beta, float *c, long ldc);

// The product with B packed (b null) or not, and what follows it; with bf16, A
// and B are rounded to it, and pra_gemm_has_bf16 comes first.
int pra_gemm_has_bf16(void);
int pra_gemm_finish(int bf16, int threads, int trans_a, int trans_b, long m, long n, long k, float alpha, const float *a, long lda,
                    const float *b, long ldb, const float *packed, float beta, float *c, long ldc, const float *bias, float *pre,
                    long ldpre, int act, const float *gate, long ldgate, const float *residual, long ldresidual);
