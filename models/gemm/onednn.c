// oneDNN by dlopen: dnnl_sgemm has the same C signature in majors 2 and 3.
#include "onednn.h"
#include <dlfcn.h>
#include <omp.h>
#include <stdint.h>

typedef int (*sgemm_fn)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t, float,
                        float *, int64_t);
typedef struct {
    int major, minor, patch;
} version_head; // the first fields of dnnl_version_t, stable over both majors

static sgemm_fn sgemm;
static const version_head *(*version)(void);

int prabench_onednn_open(const char *soname) {
    void *h = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!h) return 0;
    sgemm = (sgemm_fn)dlsym(h, "dnnl_sgemm");
    version = (const version_head *(*)(void))dlsym(h, "dnnl_version");
    return sgemm && version;
}

void prabench_onednn_version(int v[3]) {
    const version_head *p = version();
    v[0] = p->major, v[1] = p->minor, v[2] = p->patch;
}

int prabench_onednn_sgemm(int threads, char ta, char tb, long m, long n, long k, float alpha, const float *a, long lda,
                          const float *b, long ldb, float beta, float *c, long ldc) {
    omp_set_num_threads(threads); // a per-thread setting: the caller may sit on any OS thread
    return sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
