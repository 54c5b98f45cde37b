// Sums in a fixed order over a warp and a block.
#pragma once
#include "kcompat.h"

KC_DEVICE float warp_sum(float v) {
    for (int m = 16; m > 0; m >>= 1) v += kc_xor(v, m);
    return v;
}

// The sum of v over the block's first threads, for each of them; part holds a float a
// warp. All threads of the block are here.
KC_DEVICE float block_sum_of(float v, float *part, u32 threads) {
    v = warp_sum(v);
    u32 lane = threadIdx.x & 31, warps = threads >> 5;
    if (warps == 1) return v;
    if (lane == 0) part[threadIdx.x >> 5] = v;
    kc_barrier();
    v = warp_sum(lane < warps ? part[lane] : 0.0f);
    kc_barrier(); // part may be written again
    return v;
}

// The sum of v over the block, for every thread.
KC_DEVICE float block_sum(float v, float *part) { return block_sum_of(v, part, blockDim.x); }

// For blocks of 256 threads that serve 32 columns by 8 rows at a time: the sum
// of v over the 8 threads of a column, in the first of them.
KC_DEVICE float column_sum_of_8(float v, float *part) {
    u32 x = threadIdx.x & 31, y = threadIdx.x >> 5;
    part[threadIdx.x] = v;
    kc_barrier();
    if (y == 0)
        for (u32 i = 1; i < 8; i++) v += part[i * 32 + x];
    kc_barrier();
    return v;
}
