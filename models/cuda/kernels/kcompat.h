// One source, three compilers: clang++ --cuda-device-only (the committed PTX),
// NVRTC (a check), g++ (the stand-in driver on host memory, for tests). Kernels
// use only what stands here and plain C++; no header of CUDA, no libdevice.
//
//   KERNEL(name, threads, blocks)(arguments) { … }   at most so many threads a
//                          block, at least so many blocks a multiprocessor
//   EXPORT(name, threads)  after it, so that the stand-in finds it
//   SHARED(s)              float *s: the block's dynamic shared memory; there is no other
//   kc_barrier()           every thread of the block meets here
//   kc_warp_barrier()      every thread of the warp meets here; what it wrote is seen
//   kc_xor(v, m), kc_lane(v, l)   v of lane (own ^ m), of lane l; whole warps only
//   kc_copy16, kc_commit, kc_wait  16 bytes into shared memory beside the thread, in groups
//   kc_matrices, kc_matrices_t     four 8 × 8 matrices of halves, a row address a lane
//   kc_fence()             what this thread wrote before is seen before what it writes after
//   kc_arrive, kc_arrived  a number that blocks of one cooperative launch wait for; kc_prefetch
//   kc_ticket(n, last)     counts blocks: 0 … last, then from 0 again; kc_fresh4 reads what others wrote
#pragma once

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;
struct alignas(16) kc_f4 {
    float x, y, z, w;
};

#if defined(__CUDACC_RTC__) || defined(__CUDA__)

#if defined(__CUDACC_RTC__)
#define KC_DEVICE static __device__ __forceinline__
#define KC_MEMBER __device__ __forceinline__
#define KERNEL(name, threads, blocks) extern "C" __global__ void __launch_bounds__(threads, blocks) name
#define SHARED(s) extern __shared__ __align__(16) float s[]
KC_DEVICE float kc_xor(float v, int m) { return __shfl_xor_sync(0xffffffffu, v, m); }
KC_DEVICE float kc_lane(float v, int l) { return __shfl_sync(0xffffffffu, v, l); }
KC_DEVICE float kc_mul(float a, float b) { return __fmul_rn(a, b); } // rounded, never fused
KC_DEVICE float kc_add(float a, float b) { return __fadd_rn(a, b); }
KC_DEVICE float kc_sqrt(float a) { return __fsqrt_rn(a); }
KC_DEVICE void kc_barrier() { __syncthreads(); }
KC_DEVICE void kc_warp_barrier() { __syncwarp(); }
KC_DEVICE void kc_fence() { __threadfence(); }
KC_DEVICE u64 kc_in_shared(const void *p) { return __cvta_generic_to_shared(p); }
KC_DEVICE u64 kc_in_global(const void *p) { return __cvta_generic_to_global(p); }
template <class T> KC_DEVICE T *kc_global(u64 p) { return (T *)p; } // an address that was stored in memory
#else                                                               // clang without any file of CUDA
#define KC_DEVICE static __attribute__((device)) inline __attribute__((always_inline))
#define KC_MEMBER __attribute__((device)) inline __attribute__((always_inline))
#define KERNEL(name, threads, blocks) extern "C" __attribute__((global)) void __attribute__((launch_bounds(threads, blocks))) name
#define SHARED(s) extern __attribute__((shared)) __attribute__((aligned(16))) float s[]
#define KC_SREG(name, reg)                                                                                                         \
    struct kc_##name {                                                                                                             \
        struct X {                                                                                                                 \
            KC_MEMBER operator u32() const { return __nvvm_read_ptx_sreg_##reg##_x(); }                                            \
        } x;                                                                                                                       \
        struct Y {                                                                                                                 \
            KC_MEMBER operator u32() const { return __nvvm_read_ptx_sreg_##reg##_y(); }                                            \
        } y;                                                                                                                       \
        struct Z {                                                                                                                 \
            KC_MEMBER operator u32() const { return __nvvm_read_ptx_sreg_##reg##_z(); }                                            \
        } z;                                                                                                                       \
    };                                                                                                                             \
    extern const __attribute__((device)) __attribute__((weak)) kc_##name name;
KC_SREG(threadIdx, tid)
KC_SREG(blockIdx, ctaid)
KC_SREG(blockDim, ntid)
KC_SREG(gridDim, nctaid)
KC_DEVICE float kc_xor(float v, int m) { return __nvvm_shfl_sync_bfly_f32(0xffffffffu, v, m, 0x1f); }
KC_DEVICE float kc_lane(float v, int l) { return __nvvm_shfl_sync_idx_f32(0xffffffffu, v, l, 0x1f); }
KC_DEVICE float kc_mul(float a, float b) { return __nvvm_mul_rn_f(a, b); }
KC_DEVICE float kc_add(float a, float b) { return __nvvm_add_rn_f(a, b); }
KC_DEVICE float kc_sqrt(float a) { return __nvvm_sqrt_rn_f(a); }
KC_DEVICE void kc_barrier() { __syncthreads(); }
KC_DEVICE void kc_warp_barrier() { __nvvm_bar_warp_sync(0xffffffffu); }
KC_DEVICE void kc_fence() { __nvvm_membar_gl(); }
KC_DEVICE u64 kc_in_shared(const void *p) { return (u64)(const __attribute__((address_space(3))) void *)p; }
KC_DEVICE u64 kc_in_global(const void *p) { return (u64)(const __attribute__((address_space(1))) void *)p; }
template <class T> KC_DEVICE T *kc_global(u64 p) { return (T *)(__attribute__((address_space(1))) T *)p; }
#endif

#define UNROLL _Pragma("unroll")
#define UNROLL_4 _Pragma("unroll 4")
#define ROLLED _Pragma("unroll 1")
#define EXPORT(name, threads)
KC_DEVICE float kc_from_bits(u32 b) {
    float f;
    asm("mov.b32 %0, %1;" : "=f"(f) : "r"(b));
    return f;
}
KC_DEVICE u32 kc_bits(float f) {
    u32 b;
    asm("mov.b32 %0, %1;" : "=r"(b) : "f"(f));
    return b;
}
KC_DEVICE double kc_power2(int e) { // 2^e for normal results
    double d;
    asm("mov.b64 %0, {%1, %2};" : "=d"(d) : "r"(0), "r"((e + 1023) << 20));
    return d;
}

// Two floats as bf16 (nearest even), lo in the lower half; the product of a
// 16×16 and a 16×8 tile of bf16 added to c, spread over a warp as PTX lays
// down for mma.m16n8k16. Devices from 8.0.
KC_DEVICE u32 kc_bf16x2(float lo, float hi) {
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}
KC_DEVICE void kc_mma(float c[4], const u32 a[4], const u32 b[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Of the 16 bytes at `to` the first given are those at `from`, the others 0; a group
// has arrived when at most `left` later ones have not. Devices from 8.0.
KC_DEVICE void kc_copy16(void *to, const void *from, int given) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"l"(kc_in_shared(to)), "l"(kc_in_global(from)), "r"(given)
                 : "memory");
}
KC_DEVICE void kc_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int LEFT> KC_DEVICE void kc_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory"); }
KC_DEVICE void kc_matrices(u32 d[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "l"(kc_in_shared(row))
                 : "memory");
}
KC_DEVICE void kc_matrices_t(u32 d[4], const void *row) { // each one transposed
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "l"(kc_in_shared(row))
                 : "memory");
}
KC_DEVICE u32 kc_ticket(u32 *count, u32 last) {
    u32 old;
    asm volatile("atom.global.inc.u32 %0, [%1], %2;" : "=r"(old) : "l"(kc_in_global(count)), "r"(last) : "memory");
    return old;
}
// Adds to a number what others wait for: what this thread has seen, they see then. Of
// the block that is what came before its last barrier.
KC_DEVICE void kc_arrive(u32 *count, u32 by) {
    asm volatile("red.release.gpu.global.add.u32 [%0], %1;" ::"l"(kc_in_global(count)), "r"(by) : "memory");
}
// The number, and with it what those have done that added to it.
KC_DEVICE u32 kc_arrived(const u32 *count) {
    u32 n;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(n) : "l"(kc_in_global(count)) : "memory");
    return n;
}
// Has the line of p brought into the second cache.
KC_DEVICE void kc_prefetch(const void *p) { asm volatile("prefetch.global.L2 [%0];" ::"l"(kc_in_global(p))); }
KC_DEVICE kc_f4 kc_fresh4(const float *p) { // past the first cache, which does not see other multiprocessors
    kc_f4 v;
    asm volatile("ld.global.cg.v4.f32 {%0,%1,%2,%3}, [%4];"
                 : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
                 : "l"(kc_in_global(p))
                 : "memory");
    return v;
}

#else // g++: what the stand-in driver provides

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

struct kc_dim {
    unsigned x, y, z;
};
extern "C" {
extern kc_dim kc_threadIdx, kc_blockIdx, kc_blockDim, kc_gridDim; // one host thread runs them all
extern void *kc_shared;                                           // the block's dynamic shared memory
void kc_block_barrier(void);                                      // every thread of the block meets here
// Every lane of the warp gives bytes bytes at mine and gets those of all lanes,
// lane after lane, at all.
void kc_warp_gather(const void *mine, void *all, unsigned bytes);
u32 kc_warp_read(u32 mine, int lane); // the same for one word of one lane
void kc_spin(void);                   // others go on, also those of other blocks, where there are any
}

// One kernel as the stand-in finds it, under the symbol kc_kernel_NAME.
struct kc_kernel {
    void (*run)(void **args);
    int threads;             // most threads a block
    int args;                // how many arguments
    unsigned char sizes[32]; // bytes of each
};

#define threadIdx kc_threadIdx
#define blockIdx kc_blockIdx
#define blockDim kc_blockDim
#define gridDim kc_gridDim
#define KC_DEVICE static inline
#define KC_MEMBER inline
#define KERNEL(name, threads, blocks) static void name
#define SHARED(s) float *s = (float *)kc_shared
#define UNROLL
#define UNROLL_4
#define ROLLED
#define EXPORT(name, threads)                                                                                                      \
    extern "C" __attribute__((visibility("default"))) const kc_kernel kc_kernel_##name = kc_describe<&name>(&name, threads);

template <auto F, class... A, size_t... I> static void kc_call(void **p, std::index_sequence<I...>) { F(*(A *)p[I]...); }
template <auto F, class... A> static void kc_run(void **p) { kc_call<F, A...>(p, std::index_sequence_for<A...>{}); }
template <auto F, class... A> static constexpr kc_kernel kc_describe(void (*)(A...), int threads) {
    return kc_kernel{&kc_run<F, A...>, threads, (int)sizeof...(A), {(unsigned char)sizeof(A)...}};
}

KC_DEVICE float kc_lane(float v, int l) {
    u32 b;
    memcpy(&b, &v, 4);
    b = kc_warp_read(b, l);
    memcpy(&v, &b, 4);
    return v;
}
KC_DEVICE float kc_xor(float v, int m) { return kc_lane(v, (int)(kc_threadIdx.x & 31) ^ m); }
KC_DEVICE void kc_barrier() { kc_block_barrier(); }
KC_DEVICE void kc_warp_barrier() {
    char mine = 0, all[32];
    kc_warp_gather(&mine, all, 1);
}
KC_DEVICE float kc_mul(float a, float b) {
    volatile float r = a * b;
    return r;
}
KC_DEVICE float kc_add(float a, float b) {
    volatile float r = a + b;
    return r;
}
KC_DEVICE float kc_sqrt(float a) { return sqrtf(a); }
KC_DEVICE void kc_fence() {} // one host thread runs all blocks
KC_DEVICE u32 kc_ticket(u32 *count, u32 last) {
    u32 old = *count;
    *count = old >= last ? 0 : old + 1;
    return old;
}
KC_DEVICE kc_f4 kc_fresh4(const float *p) { return *(const kc_f4 *)p; }
template <class T> KC_DEVICE T *kc_global(u64 p) { return (T *)p; }
KC_DEVICE void kc_arrive(u32 *count, u32 by) { *count += by; }
KC_DEVICE u32 kc_arrived(const u32 *count) {
    kc_spin();
    return *(const volatile u32 *)count;
}
KC_DEVICE void kc_prefetch(const void *p) { (void)*(const volatile char *)p; } // there must be something
KC_DEVICE void kc_copy16(void *to, const void *from, int given) {
    memset(to, 0, 16);
    memcpy(to, from, given);
}
KC_DEVICE void kc_commit() {}
template <int LEFT> static inline void kc_wait() {}
KC_DEVICE void kc_rows(u32 d[4], const void *row, bool transposed) {
    const void *rows[32];
    kc_warp_gather(&row, rows, sizeof row);
    int lane = kc_threadIdx.x & 31;
    for (int i = 0; i < 4; i++) {
        unsigned short v[2];
        for (int h = 0; h < 2; h++)
            v[h] = transposed ? ((const unsigned short *)rows[8 * i + lane % 4 * 2 + h])[lane / 4]
                              : ((const unsigned short *)rows[8 * i + lane / 4])[lane % 4 * 2 + h];
        d[i] = (u32)v[1] << 16 | v[0];
    }
    kc_warp_barrier();
}
KC_DEVICE void kc_matrices(u32 d[4], const void *row) { kc_rows(d, row, false); }
KC_DEVICE void kc_matrices_t(u32 d[4], const void *row) { kc_rows(d, row, true); }
KC_DEVICE float kc_from_bits(u32 b) {
    float f;
    memcpy(&f, &b, 4);
    return f;
}
KC_DEVICE u32 kc_bits(float f) {
    u32 b;
    memcpy(&b, &f, 4);
    return b;
}
KC_DEVICE double kc_power2(int e) { return ldexp(1.0, e); }
KC_DEVICE u32 kc_bf16(float f) {
    u32 b = kc_bits(f);
    if (f != f) return 0x7fff;
    return (b + 0x7fff + (b >> 16 & 1)) >> 16;
}
KC_DEVICE u32 kc_bf16x2(float lo, float hi) { return kc_bf16(hi) << 16 | kc_bf16(lo); }
KC_DEVICE void kc_mma(float c[4], const u32 a[4], const u32 b[2]) {
    u32 mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]}, all[32][6];
    kc_warp_gather(mine, all, sizeof mine);
    int lane = kc_threadIdx.x & 31;
    for (int e = 0; e < 4; e++) { // row and column of c[e], see PTX ISA, mma.m16n8k16
        int row = lane / 4 + e / 2 * 8, col = lane % 4 * 2 + e % 2;
        for (int k = 0; k < 16; k++) {
            u32 x = all[row % 8 * 4 + k % 8 / 2][row / 8 + k / 8 * 2], y = all[col * 4 + k % 8 / 2][4 + k / 8];
            int half = k % 2 * 16;
            c[e] += kc_from_bits(x >> half << 16) * kc_from_bits(y >> half << 16);
        }
    }
}
#endif

// Which block of a grid: a launch's own, or one that a chain of them does (chain_bf16.cu).
struct Block {
    u32 x, y, z, nx, nz; // nx and nz: how many there are along x and z
};
KC_DEVICE Block own_block() { return Block{blockIdx.x, blockIdx.y, blockIdx.z, gridDim.x, gridDim.z}; }

// Flat kernels: four elements a thread, a block's width apart, so that four
// loads are under way at once.
#define FLAT(i, n) FLAT_OF(blockIdx.x, i, n)
#define FLAT_OF(number, i, n)                                                                                                      \
    for (i64 i = (i64)(number) * 4 * blockDim.x + threadIdx.x, end_ = (i64)((number) + 1) * 4 * blockDim.x; i < (n) && i < end_;   \
         i += blockDim.x)
