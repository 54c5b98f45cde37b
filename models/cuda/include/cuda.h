// Stands before CUDA's own cuda.h on the include path: gorgonia.org/cu v0.9.6
// was written for CUDA 12, and five functions took other arguments in CUDA 13.
// The names are led back to the entry points that every driver still has.
#ifndef PRABENCH_CUDA_H
#define PRABENCH_CUDA_H
#include_next <cuda.h>
#if CUDA_VERSION >= 13000
#undef cuCtxCreate
#undef cuMemAdvise
#undef cuMemPrefetchAsync
#undef cuGraphGetEdges
#undef cuGraphAddDependencies
#ifdef __cplusplus
extern "C" {
#endif
CUresult cuCtxCreate_v2(CUcontext *, unsigned int, CUdevice);
CUresult cuMemAdvise(CUdeviceptr, size_t, CUmem_advise, CUdevice);
CUresult cuMemPrefetchAsync(CUdeviceptr, size_t, CUdevice, CUstream);
CUresult cuGraphGetEdges(CUgraph, CUgraphNode *, CUgraphNode *, size_t *);
CUresult cuGraphAddDependencies(CUgraph, const CUgraphNode *, const CUgraphNode *, size_t);
#ifdef __cplusplus
}
#endif
#define cuCtxCreate cuCtxCreate_v2
#endif
#endif
