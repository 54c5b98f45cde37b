// Layers of few rows in one launch: y ← epilogue(norm(x)·w) on tensor cores, for
// weights that are kept in bf16 (devices from 8.0). What it saves are launches that
// wait for each other: no pass adds the parts of a depth that is split, none applies
// the epilogue, and none normalises what the product reads.
//
// A block computes a 64 × 64 tile of y in slices of 64 of the depth. Three slices of
// w are under way as asynchronous copies; x is read as it is, normalised, rounded to
// bf16 and stored beside. gridDim.z splits the depth. Each of a tile's blocks leaves
// its part in memory and takes a ticket; the one that has the last ticket adds the
// parts in their order, not in that of the tickets, and goes on with the epilogue. Tickets
// begin again at 0, so every launch leaves the counters as it found them.
//
// Moments are mean and sum of squared deviations of every 64 values of a row: the
// epilogue leaves those of y, and the next layer has the statistics of its rows from
// them, without reading a row.
#include "layer.h"

KERNEL(layer_64, THREADS, 1)
(float *y, const float *x, const half *w, int m, int n, int k, int depth, float *part, u32 *count, const float *bias, float *pre,
 int act, const float *gate, int ldgate, const float *residual, float *moments) {
    SHARED(s);
    Layer l = {y, x, w, m, n, k, depth, part, count, {bias, pre, act, gate, ldgate, residual}, moments};
    Norm norm = {0, 0, 0, 0, 1, 0};
    Block block = own_block();
    layer_begin(s, l, block);
    layer<false>(s, l, norm, block);
}
EXPORT(layer_64, THREADS)

KERNEL(layer_norm_64, THREADS, 1)
(float *y, const float *x, const half *w, int m, int n, int k, int depth, float *part, u32 *count, const float *bias, float *pre,
 int act, const float *gate, int ldgate, const float *residual, float *moments, const float *known, const float *scale,
 const float *shift, int ldmod, int each, float one) {
    SHARED(s);
    Layer l = {y, x, w, m, n, k, depth, part, count, {bias, pre, act, gate, ldgate, residual}, moments};
    Norm norm = {known, scale, shift, ldmod, each, one};
    Block block = own_block();
    layer_begin(s, l, block);
    layer<true>(s, l, norm, block);
}
EXPORT(layer_norm_64, THREADS)

KERNEL(moments_64, 256, 4)(float *moments, const float *x, int n) { moments_block(blockIdx.x, moments, x, n); }
EXPORT(moments_64, 256)
