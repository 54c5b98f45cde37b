//go:build cuda

// What gorgonia.org/cu lacks: a queue of work handed over in one call, pinned
// host memory, function attributes, stream capture, and cuBLAS by dlopen.
#ifndef PRABENCH_CUDA_QUEUE_H
#define PRABENCH_CUDA_QUEUE_H
#include <cuda.h>
#include <stddef.h>
#include <stdint.h>

// One piece of work is a head word (code in the low byte, number of the words
// that follow above it) and its operands, a 64-bit word each.
enum {
    PRA_LAUNCH = 1, // function, grid x|y<<32, grid z|block x<<32, shared bytes, arguments…
    PRA_UPLOAD,     // device address, pinned host address, bytes
    PRA_DOWNLOAD,   // pinned host address, device address, bytes
    PRA_RECORD,     // event
    // flags (1: A transposed, 2: B transposed, 4: bf16, 8: A and B are bf16 in memory), m, n, k, α|β<<32, a, lda, b, ldb, c, ldc
    PRA_GEMM,
    PRA_SUM,    // device address, numbers: their sums over all devices, beside what follows
    PRA_SUMMED, // marks the end of the sums so far
    PRA_CHAIN,  // as PRA_LAUNCH, a cooperative launch
};

// A cuBLAS status is answered as 20000 + status, apart from the driver's errors.
enum { PRA_BLAS_ERROR = 20000 };

typedef struct pra_peers pra_peers;

typedef struct {
    CUcontext context;
    CUstream stream;
    void *blas;       // cuBLAS handle, or NULL
    pra_peers *peers; // devices of other processes, or NULL
} pra_target;

// What is wanted of a library: a function's name, and where its address goes.
typedef struct {
    const char *name;
    void *at;
} pra_symbol;

// pra_open_library loads a library with all n functions, or answers NULL and the reason
// in text. pra_file_of is the file that a loaded function is in, "" where nobody knows.
void *pra_open_library(const char *path, const pra_symbol *wanted, size_t n, char *text, size_t room);
const char *pra_file_of(void *function);

// pra_run queues the work in words[0…n) on the target's stream and answers 0,
// or the first error and, in *failed, which piece of work it was.
int pra_run(const pra_target *t, const uint64_t *words, size_t n, int *failed);

int pra_pinned(const pra_target *t, size_t bytes, void **out);
// pra_resident says how many blocks of a kernel the device holds at once for a cooperative
// launch, 0 where it has none.
int pra_resident(const pra_target *t, CUfunction f, int threads, size_t shared, int *blocks);
int pra_shared_limit(const pra_target *t, CUfunction f, int bytes);

int pra_capture_begin(const pra_target *t);
// pra_capture_end makes what was captured ready to launch; *nodes is how many
// nodes it has.
int pra_capture_end(const pra_target *t, CUgraphExec *out, size_t *nodes);
// pra_capture_drop ends a capture that is not wanted any more.
void pra_capture_drop(const pra_target *t);
int pra_graph_launch(const pra_target *t, CUgraphExec g);
int pra_graph_free(const pra_target *t, CUgraphExec g);

const char *pra_error_text(int code);
const char *pra_error_name(int code);

// pra_blas_load loads this libcublas, unless one is loaded; it answers 1, or 0
// and in text why it did not. pra_blas_path is the file that was loaded.
int pra_blas_load(const char *path, char *text, size_t room);
const char *pra_blas_path(void);
// pra_blas_open makes a handle of what was loaded; it answers the version, or
// why there is none, in text, and 1 when a handle was made.
int pra_blas_open(pra_target *t, char *text, size_t room);
int pra_blas_workspace(const pra_target *t, CUdeviceptr p, size_t bytes);
void pra_blas_close(pra_target *t);
int pra_blas_gemm(const pra_target *t, const uint64_t *w);

// NCCL. pra_nccl_load loads this libnccl, unless one is loaded, and answers as
// pra_blas_load does.
int pra_nccl_load(const char *path, char *text, size_t room);
const char *pra_nccl_path(void);
int pra_nccl_version(void); // major·10000 + minor·100 + patch; 0 where it does not say
const char *pra_nccl_text(int status);
enum { PRA_NCCL_ID = 128 };
int pra_nccl_id(char *id);

// pra_peers_new makes the stream and the events of sums over devices; pra_peers_meet
// waits for all ranks and answers NCCL's status. It may be called by another thread.
int pra_peers_new(const pra_target *t, pra_peers **out);
int pra_peers_meet(const pra_target *t, pra_peers *p, const char *id, int rank, int size);
// pra_peers_sum and pra_peers_mark are the work PRA_SUM and PRA_SUMMED. NCCL's first
// error is kept in the peers: pra_peers_status.
int pra_peers_sum(const pra_target *t, CUdeviceptr at, size_t n);
int pra_peers_mark(const pra_target *t);
int pra_peers_status(const pra_peers *p);
// pra_peers_done answers 0 when the sums up to the mark are done, CUDA_ERROR_NOT_READY
// before.
int pra_peers_done(const pra_target *t, const pra_peers *p);
// pra_peers_error is what NCCL has met beside the calls, pra_peers_abort ends sums that
// wait. Both are one thread's, which may be another than that of the sums.
int pra_peers_error(const pra_peers *p);
int pra_peers_abort(const pra_target *t, pra_peers *p);
int pra_peers_free(const pra_target *t, pra_peers *p); // after the abort

#endif
