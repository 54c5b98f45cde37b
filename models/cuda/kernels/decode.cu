// Decode attention with an fp32 cache; see decode.h.
#include "decode.h"

#define DECODE(COLUMNS, GROUP)                                                                                                     \
    KERNEL(decode_##COLUMNS##_##GROUP, 128, 1)                                                                                     \
    (float *out, const float *qkv, u32 *cache, int pairs, int at, int n, int capacity, int heads, int width, int hd,               \
     float scale) {                                                                                                                \
        SHARED(s);                                                                                                                 \
        decode<COLUMNS, GROUP, 1>(s, out, qkv, cache, pairs, at, n, capacity, heads, width, hd, scale);                            \
    }                                                                                                                              \
    EXPORT(decode_##COLUMNS##_##GROUP, 128)

DECODE(1, 1)
DECODE(1, 4)
DECODE(2, 1)
DECODE(2, 4)
DECODE(4, 1)
DECODE(4, 4)
DECODE(8, 1)
DECODE(8, 4)
DECODE(16, 1)
DECODE(16, 4)
