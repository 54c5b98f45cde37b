// Assembly of the trunk's input, and its gradient. Twin: models/cpu/embed.h.
#include "bodies.h"

KERNEL(embed, 256, 4)
(float *u, const float *proj, const float *start, const float *inpos, const float *pos, const float *cls, const int *labels,
 const int *order, int at, int n, int proj_at, int proj_tokens, int width, int block) {
    embed_block(blockIdx.x, u, proj, start, inpos, pos, cls, labels, order, at, n, proj_at, proj_tokens, width, block);
}
EXPORT(embed, 256)

// A thread a (token, column) sums over the batch. No two tokens share a row of
// dpos, dstart or dinpos.
KERNEL(embed_backward, 128, 4)
(float *dproj, float *dstart, float *dinpos, float *dpos, const float *du, const int *order, int batch, int tokens, int width,
 int block) {
    int i = blockIdx.x, x = blockIdx.y * blockDim.x + threadIdx.x;
    if (x >= width) return;
    float sum = 0;
    for (i64 b = 0; b < batch; b++) {
        float v = du[(b * tokens + i) * width + x];
        sum += v;
        if (i >= block) dproj[(b * tokens + i - block) * width + x] = v;
        if (i >= tokens - block) dproj[(b * tokens + i) * width + x] = 0;
    }
    if (dpos) dpos[(i64)order[i] * width + x] += sum;
    if (i < block)
        dstart[(i64)i * width + x] += sum;
    else if (dinpos)
        dinpos[(i64)order[i - block] * width + x] += sum;
}
EXPORT(embed_backward, 128)

// part[b] ← Σ_i du[b, i]
KERNEL(embed_class_part, 256, 4)(float *part, const float *du, int tokens, int width) {
    SHARED(s);
    i64 b = blockIdx.x;
    int x = blockIdx.y * 32 + (threadIdx.x & 31);
    float sum = 0;
    if (x < width)
        for (int i = threadIdx.x >> 5; i < tokens; i += 8) sum += du[(b * tokens + i) * width + x];
    sum = column_sum_of_8(sum, s);
    if (x < width && threadIdx.x < 32) part[b * width + x] = sum;
}
EXPORT(embed_class_part, 256)

// The first image of each class adds the parts of all its images.
KERNEL(embed_class, 128, 4)(float *dclass, const float *part, const int *labels, int batch, int width) {
    int first = blockIdx.x, x = blockIdx.y * blockDim.x + threadIdx.x, label = labels[first];
    for (int b = 0; b < first; b++)
        if (labels[b] == label) return;
    if (x >= width) return;
    float sum = 0;
    for (int b = first; b < batch; b++)
        if (labels[b] == label) sum += part[(i64)b * width + x];
    dclass[(i64)label * width + x] += sum;
}
EXPORT(embed_class, 128)
