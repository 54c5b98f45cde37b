//go:build cuda

#include "queue.h"

enum { most_args = 32 };

static int one(const pra_target *t, int code, const uint64_t *w, int n) {
    switch (code) {
    case PRA_LAUNCH:
    case PRA_CHAIN: {
        void *args[most_args];
        if (n - 4 > most_args) return CUDA_ERROR_INVALID_VALUE;
        for (int i = 4; i < n; i++) args[i - 4] = (void *)&w[i];
        if (code == PRA_CHAIN)
            return cuLaunchCooperativeKernel((CUfunction)w[0], (unsigned)w[1], (unsigned)(w[1] >> 32), (unsigned)w[2],
                                             (unsigned)(w[2] >> 32), 1, 1, (unsigned)w[3], t->stream, args);
        return cuLaunchKernel((CUfunction)w[0], (unsigned)w[1], (unsigned)(w[1] >> 32), (unsigned)w[2], (unsigned)(w[2] >> 32), 1,
                              1, (unsigned)w[3], t->stream, args, NULL);
    }
    case PRA_UPLOAD:
        return cuMemcpyHtoDAsync((CUdeviceptr)w[0], (const void *)w[1], (size_t)w[2], t->stream);
    case PRA_DOWNLOAD:
        return cuMemcpyDtoHAsync((void *)w[0], (CUdeviceptr)w[1], (size_t)w[2], t->stream);
    case PRA_RECORD:
        return cuEventRecord((CUevent)w[0], t->stream);
    case PRA_GEMM:
        return pra_blas_gemm(t, w);
    case PRA_SUM:
        return pra_peers_sum(t, (CUdeviceptr)w[0], (size_t)w[1]);
    case PRA_SUMMED:
        return pra_peers_mark(t);
    }
    return CUDA_ERROR_INVALID_VALUE;
}

int pra_run(const pra_target *t, const uint64_t *words, size_t n, int *failed) {
    int r = cuCtxSetCurrent(t->context);
    *failed = 0;
    for (size_t at = 0; r == 0 && at < n; (*failed)++) {
        const uint64_t head = words[at];
        const int more = (int)(head >> 8);
        r = one(t, (int)(head & 0xff), &words[at + 1], more);
        if (r != 0) break;
        at += 1 + (size_t)more;
    }
    return r;
}

int pra_pinned(const pra_target *t, size_t bytes, void **out) {
    const int r = cuCtxSetCurrent(t->context);
    return r ? r : (int)cuMemHostAlloc(out, bytes, 0);
}

int pra_resident(const pra_target *t, CUfunction f, int threads, size_t shared, int *blocks) {
    CUdevice d;
    int r = cuCtxSetCurrent(t->context), has = 0, processors = 0, each = 0;
    if (r == 0) r = cuCtxGetDevice(&d);
    if (r == 0) r = cuDeviceGetAttribute(&has, CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH, d);
    if (r == 0) r = cuDeviceGetAttribute(&processors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, d);
    if (r == 0 && has) r = cuOccupancyMaxActiveBlocksPerMultiprocessor(&each, f, threads, shared);
    *blocks = has ? processors * each : 0;
    return r;
}

int pra_shared_limit(const pra_target *t, CUfunction f, int bytes) {
    const int r = cuCtxSetCurrent(t->context);
    return r ? r : (int)cuFuncSetAttribute(f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
}

// Memory may grow while a capture runs, which only the relaxed mode allows.
int pra_capture_begin(const pra_target *t) {
    const int r = cuCtxSetCurrent(t->context);
    return r ? r : (int)cuStreamBeginCapture(t->stream, CU_STREAM_CAPTURE_MODE_RELAXED);
}

int pra_capture_end(const pra_target *t, CUgraphExec *out, size_t *nodes) {
    CUgraph g = NULL;
    int r = cuCtxSetCurrent(t->context);
    if (r == 0) r = cuStreamEndCapture(t->stream, &g);
    if (r == 0) r = cuGraphGetNodes(g, NULL, nodes);
    if (r == 0) r = cuGraphInstantiateWithFlags(out, g, 0);
    if (g) cuGraphDestroy(g);
    return r;
}

void pra_capture_drop(const pra_target *t) {
    CUgraph g = NULL;
    if (cuCtxSetCurrent(t->context) == 0 && cuStreamEndCapture(t->stream, &g) == 0 && g) cuGraphDestroy(g);
}

int pra_graph_launch(const pra_target *t, CUgraphExec g) {
    const int r = cuCtxSetCurrent(t->context);
    return r ? r : (int)cuGraphLaunch(g, t->stream);
}

int pra_graph_free(const pra_target *t, CUgraphExec g) {
    const int r = cuCtxSetCurrent(t->context);
    return r ? r : (int)cuGraphExecDestroy(g);
}

const char *pra_error_text(int code) {
    const char *s = NULL;
    if (code >= PRA_BLAS_ERROR || cuGetErrorString((CUresult)code, &s) != 0) return "";
    return s ? s : "";
}

const char *pra_error_name(int code) {
    const char *s = NULL;
    if (code >= PRA_BLAS_ERROR || cuGetErrorName((CUresult)code, &s) != 0) return "";
    return s ? s : "";
}
