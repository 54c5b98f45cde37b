//go:build cuda

// NCCL without its header or its library at link time: what is used has had one C
// interface since version 2.4.
#define _GNU_SOURCE
#include "queue.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char internal[PRA_NCCL_ID];
} unique_id;

static struct {
    int (*version)(int *);
    const char *(*text)(int);
    int (*id)(unique_id *);
    int (*init)(void **, int, unique_id, int);
    int (*all_reduce)(const void *, void *, size_t, int, int, void *, CUstream);
    int (*async_error)(void *, int *);
    int (*abort)(void *);
} nccl;

enum { success = 0, in_progress = 7, float32 = 7, sum = 0 };

struct pra_peers {
    void *comm;
    CUstream stream; // of the sums
    CUevent ready;   // what a sum reads is written
    CUevent summed;
    int status;  // NCCL's first error
    int calling; // NCCL is being asked for a sum
    int gone;    // nothing more may be asked
};

// The library is loaded once and stays.
static void *library;

int pra_nccl_load(const char *path, char *text, size_t room) {
    if (library) return 1;
    const pra_symbol wanted[] = {
        {"ncclGetVersion", &nccl.version}, {"ncclGetErrorString", &nccl.text},  {"ncclGetUniqueId", &nccl.id},
        {"ncclCommInitRank", &nccl.init},  {"ncclAllReduce", &nccl.all_reduce}, {"ncclCommGetAsyncError", &nccl.async_error},
        {"ncclCommAbort", &nccl.abort},
    };
    library = pra_open_library(path, wanted, sizeof wanted / sizeof *wanted, text, room);
    return library != NULL;
}

const char *pra_nccl_path(void) { return library ? pra_file_of((void *)nccl.all_reduce) : ""; }

int pra_nccl_version(void) {
    int v = 0;
    if (!library || nccl.version(&v) != success) return 0;
    if (v < 10000) v = v / 1000 * 10000 + v % 1000; // up to 2.8: major·1000 + minor·100 + patch
    return v;
}

const char *pra_nccl_text(int status) { return library ? nccl.text(status) : ""; }

int pra_nccl_id(char *id) {
    unique_id made;
    const int r = nccl.id(&made);
    memcpy(id, &made, sizeof made);
    return r;
}

int pra_peers_new(const pra_target *t, pra_peers **out) {
    pra_peers *p = calloc(1, sizeof *p);
    if (!p) return CUDA_ERROR_OUT_OF_MEMORY;
    int r = cuCtxSetCurrent(t->context);
    if (r == 0) r = cuStreamCreate(&p->stream, CU_STREAM_NON_BLOCKING);
    if (r == 0) r = cuEventCreate(&p->ready, CU_EVENT_DISABLE_TIMING);
    if (r == 0) r = cuEventCreate(&p->summed, CU_EVENT_DISABLE_TIMING);
    if (r == 0)
        *out = p;
    else
        pra_peers_free(t, p);
    return r;
}

int pra_peers_meet(const pra_target *t, pra_peers *p, const char *id, int rank, int size) {
    unique_id of;
    memcpy(&of, id, sizeof of);
    if (cuCtxSetCurrent(t->context) != 0) return 1;
    return nccl.init(&p->comm, size, of, rank);
}

int pra_peers_sum(const pra_target *t, CUdeviceptr at, size_t n) {
    pra_peers *p = t->peers;
    int r = cuEventRecord(p->ready, t->stream);
    if (r == 0) r = cuStreamWaitEvent(p->stream, p->ready, 0);
    if (r != 0) return r;
    __atomic_store_n(&p->calling, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&p->gone, __ATOMIC_SEQ_CST) && p->status == success)
        p->status = nccl.all_reduce((void *)at, (void *)at, n, float32, sum, p->comm, p->stream);
    __atomic_store_n(&p->calling, 0, __ATOMIC_SEQ_CST);
    return 0;
}

int pra_peers_mark(const pra_target *t) { return cuEventRecord(t->peers->summed, t->peers->stream); }

int pra_peers_status(const pra_peers *p) { return p->status; }

int pra_peers_done(const pra_target *t, const pra_peers *p) {
    const int r = cuCtxSetCurrent(t->context);
    return r ? r : (int)cuEventQuery(p->summed);
}

int pra_peers_error(const pra_peers *p) {
    int met = success;
    const int r = nccl.async_error(p->comm, &met);
    return r != success ? r : met == in_progress ? success : met;
}

int pra_peers_abort(const pra_target *t, pra_peers *p) {
    __atomic_store_n(&p->gone, 1, __ATOMIC_SEQ_CST);
    // A call may wait for the rank that is lost: then the abort is what ends it.
    for (int i = 0; i < 2000 && __atomic_load_n(&p->calling, __ATOMIC_SEQ_CST); i++) usleep(1000);
    void *comm = p->comm;
    p->comm = NULL;
    if (!comm) return success;
    if (cuCtxSetCurrent(t->context) != 0) return 1;
    return nccl.abort(comm);
}

int pra_peers_free(const pra_target *t, pra_peers *p) {
    int r = cuCtxSetCurrent(t->context);
    if (p->stream && r == 0) r = cuStreamSynchronize(p->stream);
    if (p->ready) cuEventDestroy(p->ready);
    if (p->summed) cuEventDestroy(p->summed);
    if (p->stream) cuStreamDestroy(p->stream);
    free(p);
    return r;
}
