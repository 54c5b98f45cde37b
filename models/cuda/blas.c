//go:build cuda

// cuBLAS without its header or its library at link time: what is used has had
// one C interface since version 11.
#define _GNU_SOURCE
#include "queue.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static struct {
    int (*create)(void **);
    int (*destroy)(void *);
    int (*version)(void *, int *);
    int (*stream)(void *, CUstream);
    int (*workspace)(void *, void *, size_t);
    int (*math)(void *, int);
    int (*sgemm)(void *, int, int, int, int, int, const float *, const float *, int, const float *, int, const float *, float *,
                 int);
    int (*gemmex)(void *, int, int, int, int, int, const void *, const void *, int, int, const void *, int, int, const void *,
                  void *, int, int, int, int);
} blas;

enum { default_math = 0, real32 = 0, real_bf16 = 14, compute32 = 68, compute32_fast_bf16 = 75, default_algorithm = -1 };

// The library is loaded once and stays.
static void *library;

int pra_blas_load(const char *path, char *text, size_t room) {
    if (library) return 1;
    // Its companion lies beside it and is not always found from there.
    const char *slash = strrchr(path, '/'), *major = strstr(slash ? slash : path, ".so.");
    if (slash && major) {
        char beside[4096];
        const int n = snprintf(beside, sizeof beside, "%.*s/libcublasLt%s", (int)(slash - path), path, major);
        if (n > 0 && n < (int)sizeof beside) dlopen(beside, RTLD_NOW | RTLD_GLOBAL);
    }
    const pra_symbol wanted[] = {
        {"cublasCreate_v2", &blas.create},
        {"cublasDestroy_v2", &blas.destroy},
        {"cublasGetVersion_v2", &blas.version},
        {"cublasSetStream_v2", &blas.stream},
        {"cublasSetWorkspace_v2", &blas.workspace},
        {"cublasSetMathMode", &blas.math},
        {"cublasSgemm_v2", &blas.sgemm},
        {"cublasGemmEx", &blas.gemmex},
    };
    library = pra_open_library(path, wanted, sizeof wanted / sizeof *wanted, text, room);
    return library != NULL;
}

const char *pra_blas_path(void) { return library ? pra_file_of((void *)blas.sgemm) : ""; }

int pra_blas_open(pra_target *t, char *text, size_t room) {
    int version = 0, r;
    if (!library) return 0;
    if ((r = cuCtxSetCurrent(t->context)) != 0 || (r = blas.create(&t->blas)) != 0) {
        snprintf(text, room, "cuBLAS could not be initialised (status %d)", r);
        t->blas = NULL;
        return 0;
    }
    if ((r = blas.version(t->blas, &version)) != 0 || (r = blas.stream(t->blas, t->stream)) != 0 ||
        (r = blas.math(t->blas, default_math)) != 0) {
        snprintf(text, room, "cuBLAS refused its stream (status %d)", r);
        pra_blas_close(t);
        return 0;
    }
    if (version >= 100000) // from 10 on: major·10000 + minor·100 + patch
        snprintf(text, room, "cuBLAS %d.%d.%d", version / 10000, version / 100 % 100, version % 100);
    else
        snprintf(text, room, "cuBLAS %d", version);
    return 1;
}

int pra_blas_workspace(const pra_target *t, CUdeviceptr p, size_t bytes) {
    int r = cuCtxSetCurrent(t->context);
    if (r == 0 && (r = blas.workspace(t->blas, (void *)p, bytes)) != 0) r += PRA_BLAS_ERROR;
    return r;
}

void pra_blas_close(pra_target *t) {
    if (t->blas && cuCtxSetCurrent(t->context) == 0) blas.destroy(t->blas);
    t->blas = NULL;
}

// Row-major C = op(A)·op(B) is column-major Cᵀ = op(B)ᵀ·op(A)ᵀ, where each
// row-major matrix is its own transpose already.
int pra_blas_gemm(const pra_target *t, const uint64_t *w) {
    const int ta = w[0] & 1, tb = w[0] >> 1 & 1, bf16 = w[0] >> 2 & 1, half = w[0] >> 3 & 1, m = (int)w[1], n = (int)w[2],
              k = (int)w[3];
    float by[2]; // α, β
    memcpy(by, &w[4], sizeof by);
    const void *a = (const void *)w[5], *b = (const void *)w[7];
    const int lda = (int)w[6], ldb = (int)w[8], ldc = (int)w[10];
    float *c = (float *)w[9];
    int r;
    if (half)
        r = blas.gemmex(t->blas, tb, ta, n, m, k, &by[0], b, real_bf16, ldb, a, real_bf16, lda, &by[1], c, real32, ldc, compute32,
                        default_algorithm);
    else if (bf16)
        r = blas.gemmex(t->blas, tb, ta, n, m, k, &by[0], b, real32, ldb, a, real32, lda, &by[1], c, real32, ldc,
                        compute32_fast_bf16, default_algorithm);
    else
        r = blas.sgemm(t->blas, tb, ta, n, m, k, &by[0], b, ldb, a, lda, &by[1], c, ldc);
    return r ? PRA_BLAS_ERROR + r : 0;
}
