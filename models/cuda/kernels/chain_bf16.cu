// A chain: consecutive launches of small kernels as one cooperative launch (devices from
// 8.0). Its blocks are all resident at once. They do the blocks of one step after the other,
// each its share, and between two steps they wait for each other at a barrier of the grid.
// What it saves is the time between dependent launches.
//
// The program is a step in WORDS words: kernel, grid x | y << 32, grid z, threads a block,
// then the kernel's arguments, one in a word (chain.go). While a block waits, its first
// copies of the weights that it multiplies in the step that comes are under way, and what
// follows them is on its way into the second cache: no step of a chain writes weights.
//
// count[0] is how many blocks have arrived, at all barriers together, and count[LINE] counts
// those that leave: the last one takes from count[0] what all have added, so every launch
// leaves the counters as it found them.
#include "layer.h"

enum { WORDS = 32, FIRST = 4, LINE = 32, LAYER_FLOATS = (X_BYTES + W_BYTES) / 4 + 2 * SIDE };

// As in chain.go.
enum Link {
    LINK_LAYER_64 = 1,
    LINK_LAYER_NORM_64,
    LINK_MOMENTS_64,
    LINK_FLOW_STEP,
    LINK_COND_ACT,
    LINK_ROW_NORM,
    LINK_EMBED,
    LINK_COPY,
    LINK_COPY2D,
};

KC_DEVICE int whole(const u64 *step, int i) { return (int)step[FIRST + i]; }
KC_DEVICE float number(const u64 *step, int i) { return kc_from_bits((u32)step[FIRST + i]); }
KC_DEVICE float *values(const u64 *step, int i) { return kc_global<float>(step[FIRST + i]); }
KC_DEVICE const int *indices(const u64 *step, int i) { return kc_global<int>(step[FIRST + i]); }

KC_DEVICE i64 blocks_of(const u64 *step) { return (i64)(u32)step[1] * (i64)(step[1] >> 32) * (i64)step[2]; }

KC_DEVICE Block block_of(const u64 *step, u32 b) {
    u32 nx = (u32)step[1], ny = (u32)(step[1] >> 32);
    return Block{b % nx, b / nx % ny, b / nx / ny, nx, (u32)step[2]};
}

KC_DEVICE Layer layer_of(const u64 *step) {
    Epilogue e = {values(step, 9), values(step, 10), whole(step, 11), values(step, 12), whole(step, 13), values(step, 14)};
    return Layer{values(step, 0),
                 values(step, 1),
                 kc_global<half>(step[FIRST + 2]),
                 whole(step, 3),
                 whole(step, 4),
                 whole(step, 5),
                 whole(step, 6),
                 values(step, 7),
                 kc_global<u32>(step[FIRST + 8]),
                 e,
                 values(step, 15)};
}

KC_DEVICE bool is_layer(const u64 *step) { return step[0] == LINK_LAYER_64 || step[0] == LINK_LAYER_NORM_64; }

// Begins what this block can do of a step before the step before it has ended.
KC_DEVICE bool begin(float *s, const u64 *step) {
    if (!is_layer(step) || blockIdx.x >= blocks_of(step)) return false;
    Layer l = layer_of(step);
    Block block = block_of(step, blockIdx.x);
    layer_begin(s, l, block);
    int from = block.z * l.depth, to = from + l.depth < l.k ? from + l.depth : l.k;
    for (int k = from + (STAGES - 1) * DEPTH + threadIdx.x; k < to; k += THREADS)
        kc_prefetch(l.w + (i64)k * l.n + (i64)block.y * SIDE);
    return true;
}

// One block of a step.
KC_DEVICE void link(float *s, const u64 *step, u32 b, bool begun) {
    if (is_layer(step)) {
        Layer l = layer_of(step);
        Block block = block_of(step, b);
        if (!begun) layer_begin(s, l, block);
        Norm norm = {0, 0, 0, 0, 1, 0};
        if (step[0] == LINK_LAYER_NORM_64) {
            norm = Norm{values(step, 16), values(step, 17), values(step, 18), whole(step, 19), whole(step, 20), number(step, 21)};
            layer<true>(s, l, norm, block);
        } else
            layer<false>(s, l, norm, block);
        return;
    }
    switch (step[0]) {
    case LINK_MOMENTS_64:
        moments_block(b, values(step, 0), values(step, 1), whole(step, 2));
        break;
    case LINK_FLOW_STEP:
        flow_step_block(b, values(step, 0), values(step, 1), values(step, 2), values(step, 3), number(step, 4), number(step, 5),
                        number(step, 6), (i64)step[FIRST + 7]);
        break;
    case LINK_COND_ACT:
        cond_act_block(b, values(step, 0), values(step, 1), values(step, 2), values(step, 3), whole(step, 4), whole(step, 5),
                       whole(step, 6));
        break;
    case LINK_ROW_NORM:
        row_norm_block(s, b, (u32)step[3], values(step, 0), values(step, 1), values(step, 2), values(step, 3), values(step, 4),
                       whole(step, 5), whole(step, 6), whole(step, 7));
        break;
    case LINK_EMBED:
        embed_block(b, values(step, 0), values(step, 1), values(step, 2), values(step, 3), values(step, 4), values(step, 5),
                    indices(step, 6), indices(step, 7), whole(step, 8), whole(step, 9), whole(step, 10), whole(step, 11),
                    whole(step, 12), whole(step, 13));
        break;
    case LINK_COPY:
        copy_block(b, values(step, 0), values(step, 1), (i64)step[FIRST + 2]);
        break;
    case LINK_COPY2D:
        copy2d_block(b, values(step, 0), whole(step, 1), values(step, 2), whole(step, 3), whole(step, 4));
        break;
    }
}

KERNEL(chain_256, THREADS, 1)(const u64 *program, u32 *count, int steps) {
    SHARED(s);
    u64 *words = (u64 *)(s + LAYER_FLOATS); // two steps in turn, the second is read ahead
    if (threadIdx.x < WORDS) words[threadIdx.x] = program[threadIdx.x];
    kc_barrier();
    bool begun = false;
    u32 goal = 0;
    ROLLED for (int i = 0; i < steps; i++) {
        const u64 *step = words + i % 2 * WORDS;
        u64 *then = words + (i + 1) % 2 * WORDS;
        if (i + 1 < steps && threadIdx.x < WORDS) then[threadIdx.x] = program[(i64)(i + 1) * WORDS + threadIdx.x];
        i64 blocks = blocks_of(step);
        ROLLED for (i64 b = blockIdx.x; b < blocks; b += gridDim.x) {
            link(s, step, (u32)b, begun);
            begun = false;
            kc_barrier(); // shared memory may be written again
        }
        if (i + 1 == steps) break;
        kc_barrier(); // all threads have done their share, and see what then is
        if (threadIdx.x == 0) kc_arrive(count, 1);
        begun = begin(s, then);
        goal += gridDim.x;
        if (threadIdx.x == 0)
            while (kc_arrived(count) < goal) {
            }
        kc_barrier();
    }
    if (threadIdx.x == 0 && kc_ticket(count + LINE, gridDim.x - 1) == gridDim.x - 1) kc_arrive(count, 0 - goal);
}
EXPORT(chain_256, THREADS)
