// Filling, copying and conversion to bf16.
#include "bodies.h"

KERNEL(fill, 256, 4)(float *dst, float v, i64 n) { FLAT(i, n) dst[i] = v; }
EXPORT(fill, 256)

KERNEL(copy, 256, 4)(float *dst, const float *src, i64 n) { copy_block(blockIdx.x, dst, src, n); }
EXPORT(copy, 256)

KERNEL(copy2d, 256, 4)(float *dst, int ldd, const float *src, int lds, int n) { copy2d_block(blockIdx.x, dst, ldd, src, lds, n); }
EXPORT(copy2d, 256)

// To the nearest bf16, ties to even; a NaN stays one.
KC_DEVICE u32 bf16_of(float f) {
    u32 b = kc_bits(f);
    if (f != f) return 0x7fff;
    return (b + 0x7fff + (b >> 16 & 1)) >> 16;
}

KERNEL(to_bf16, 256, 4)(unsigned short *dst, const float *src, i64 n) { FLAT(i, n) dst[i] = (unsigned short)bf16_of(src[i]); }
EXPORT(to_bf16, 256)

// One block rows 2r and 2r+1 of w [in, out].
KERNEL(pack_bf16, 256, 4)(u32 *dst, const float *w, int in, int out) {
    i64 r = blockIdx.x;
    for (int i = threadIdx.x; i < out; i += blockDim.x) {
        u32 hi = 2 * r + 1 < in ? bf16_of(w[(2 * r + 1) * out + i]) : 0;
        dst[r * out + i] = hi << 16 | bf16_of(w[2 * r * out + i]);
    }
}
EXPORT(pack_bf16, 256)
