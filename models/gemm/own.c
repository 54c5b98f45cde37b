// The vector path of the process, and products spread over threads. Threads
// divide C, never k: each element is computed by one of them in the same order
// as on any other number.
#include "own.h"
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern const struct path gemm_path_base;
#if defined(__x86_64__) && defined(__GNUC__)
extern const struct path gemm_path_avx2, gemm_path_avx512, gemm_path_bf16;
#endif
static const struct path *chosen = &gemm_path_base;

int pra_gemm_select(const char *name) {
    if (!strcmp(name, "base")) {
        chosen = &gemm_path_base;
        return 1;
    }
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!strcmp(name, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        chosen = &gemm_path_avx2;
        return 1;
    }
    if (!strcmp(name, "avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        chosen = &gemm_path_avx512;
        return 1;
    }
#endif
    return 0;
}

// Each thread keeps its scratch memory until it ends.
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void make_key(void) { pthread_key_create(&key, free); }
static float *scratch(void) {
    static __thread float *mine;
    if (!mine) {
        pthread_once(&once, make_key);
        mine = aligned_alloc(64, SCRATCH * sizeof(float));
        if (mine) pthread_setspecific(key, mine);
    }
    return mine;
}

// The grid of rows × columns of threads that costs least: multiply-adds of the
// largest share, and copying of B, which every row of the grid repeats.
static void grid(const struct path *path, const struct product *g, int threads, long *across, long *down) {
    double least = 0;
    for (long c = 1; c <= threads; c++) {
        long r = threads / c;
        double rows = (g->m + r - 1) / r, cols = ((g->n + path->lanes - 1) / path->lanes + c - 1) / c;
        double cost = cols * (rows + rows / 6 + (g->trans_b ? 16 : 2)) + (g->trans_a ? rows / 2 : 0);
        if (c == 1 || cost < least) least = cost, *across = c, *down = r;
    }
}

// What is left of a product without A and B.
static void scale(long m, long n, float beta, float *c, long ldc) {
    for (long i = 0; i < m; i++)
        for (long j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

// The product on a vector path; 0 without memory for scratch.
static int spread(const struct path *path, int threads, const struct product *g) {
    long m = g->m, n = g->n, across = 1, down = 1;
    long lanes = g->packed ? path->panel : path->lanes, vectors = (n + lanes - 1) / lanes; // what threads divide n by
    if (g->alpha == 0 || g->k <= 0) {
        scale(m, n, g->beta, g->c, g->ldc);
        return 1;
    }
    // Below, waking a thread may cost more than it gains: a cautious bound.
    if (threads > 1 && (double)m * n * g->k > 400000) grid(path, g, threads, &across, &down);
    if (across * down == 1) {
        float *s = scratch();
        if (!s) return 0;
        path->block(g, 0, m, 0, n, s);
        return 1;
    }
    int ok = 1;
#pragma omp parallel for num_threads(across *down) schedule(static, 1) reduction(& : ok)
    for (long t = 0; t < across * down; t++) {
        long x = t % across, y = t / across, j0 = vectors * x / across * lanes, j1 = vectors * (x + 1) / across * lanes;
        float *s = scratch();
        if (!s)
            ok = 0;
        else if (m * y / down < m * (y + 1) / down && j0 < j1)
            path->block(g, m * y / down, m * (y + 1) / down, j0, j1 < n ? j1 : n, s);
    }
    return ok;
}

int pra_gemm(int threads, int trans_a, int trans_b, long m, long n, long k, float alpha, const float *a, long lda, const float *b,
             long ldb, float beta, float *c, long ldc) {
    struct product g = {trans_a, trans_b, m, n, k, alpha, beta, a, b, c, lda, ldb, ldc, 0, 0};
    return spread(chosen, threads, &g);
}

int pra_gemm_lanes(void) { return chosen->lanes; }

int pra_gemm_has_bf16(void) {
#if defined(__x86_64__) && defined(__GNUC__)
    return chosen == &gemm_path_avx512 && __builtin_cpu_supports("avx512bf16");
#else
    return 0;
#endif
}

// The path of a precision.
static const struct path *of(int bf16) {
#if defined(__x86_64__) && defined(__GNUC__)
    if (bf16) return &gemm_path_bf16;
#endif
    return chosen;
}

int pra_gemm_finish(int bf16, int threads, int trans_a, int trans_b, long m, long n, long k, float alpha, const float *a, long lda,
                    const float *b, long ldb, const float *packed, float beta, float *c, long ldc, const float *bias, float *pre,
                    long ldpre, int act, const float *gate, long ldgate, const float *residual, long ldresidual) {
    struct finish f = {bias, pre, ldpre, act, gate, ldgate, residual, ldresidual};
    struct product g = {trans_a, trans_b, m, n, k, alpha, beta, a, b, c, lda, ldb, ldc, packed, &f};
    if (!bias && !pre && !act && !gate && !residual) g.finish = 0;
    return spread(of(bf16), threads, &g);
}

void pra_gemm_pack(int bf16, float *dst, int trans_b, const float *b, long ldb, long k, long n) {
    of(bf16)->pack(dst, trans_b, b, ldb, k, n);
}
