// What the instructions of PTX mean on the stand-in driver, for the C++ that the
// translator makes: from the text of the PTX ISA, not from kernels/kcompat.h.
// With -DRACES every access to memory is remembered and compared.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <unordered_map>
#include <vector>

struct kc_dim {
    unsigned x, y, z;
};
extern "C" {
extern kc_dim kc_threadIdx, kc_blockIdx, kc_blockDim, kc_gridDim;
extern void *kc_shared;
extern uint64_t kc_launch, kc_number; // numbers of the launch and of the block that run now
extern unsigned kc_slot, kc_alive;    // which of the blocks that are alive together, and how many those are
void kc_spin(void);                   // others go on
void kc_block_barrier(void);
void kc_warp_gather(const void *mine, void *all, unsigned bytes);
uint32_t kc_warp_read(uint32_t mine, int lane);
void kc_report(const char *text); // the launch has failed
}
struct kc_kernel {
    void (*run)(void **args);
    int threads, args;
    unsigned char sizes[32];
};

namespace {
// The shared window: here a launch's dynamic memory begins (on sm_80 and above).
enum : uint64_t { window = 0x400, mostShared = 256u << 10 };
inline bool isShared(uint64_t a) { return a - (uint64_t)kc_shared < mostShared; }
inline uint64_t to_generic(uint64_t a) { return (uint64_t)kc_shared + a - window; }
inline uint64_t to_shared(uint64_t g) { return isShared(g) ? g - (uint64_t)kc_shared + window : (uint32_t)g; }
inline unsigned thread() { return kc_threadIdx.x + kc_blockDim.x * (kc_threadIdx.y + kc_blockDim.y * kc_threadIdx.z); }

// fiber is a place for what a thread keeps, apart from those of other blocks that are alive.
enum { mostFibers = 8 << 10 };
inline unsigned fiber() { return thread() + 1024 * kc_slot; }

#ifdef RACES
// An access to some of the four bytes of a word. Two of which one writes must have
// something between them: within a block a barrier, within a warp one of the warp;
// between blocks of a launch nothing but a fence and an atomic of the first (or an atomic
// with .release) and an atomic of the second on the same address thereafter (or a load
// with .acquire), or a row of such pairs.
struct Access {
    uint64_t block, seq;
    unsigned tid, blockEpoch, warpEpoch;
    uint8_t bytes;
};
struct Word {
    std::vector<Access> writes, reads;
};
std::unordered_map<uint64_t, Word> global, shared;
typedef std::unordered_map<uint64_t, uint64_t> Clock; // of blocks: up to which access they are seen
struct Life {
    Clock seen, fenced; // now, and when it last had a fence
};
std::unordered_map<uint64_t, Life> lives; // of blocks
std::unordered_map<uint64_t, Clock> left; // at an address, by those that released there
void join(Clock &to, const Clock &from) {
    for (auto &[of, at] : from)
        if (uint64_t &mine = to[of]; mine < at) mine = at;
}
uint64_t launch, newest, seq;
unsigned blockEpoch[mostFibers], warpEpoch[mostFibers];
const char *kernel;
int said;

void enter(const char *name) {
    if (launch != kc_launch) {
        launch = kc_launch;
        global.clear();
        shared.clear();
        lives.clear();
        left.clear();
        said = 0;
    }
    if (newest != kc_number) { // blocks that are not alive together have one memory in turn
        newest = kc_number;
        if (kc_alive == 1) shared.clear();
    }
    kernel = name;
    blockEpoch[fiber()] = warpEpoch[fiber()] = 0;
}
bool ordered(const Access &a, const Access &b) {
    if (a.block != b.block) {
        const auto to = lives.find(b.block);
        if (to == lives.end()) return false;
        const auto seen = to->second.seen.find(a.block);
        return seen != to->second.seen.end() && a.seq <= seen->second;
    }
    return a.tid == b.tid || a.blockEpoch != b.blockEpoch || (a.tid / 32 == b.tid / 32 && a.warpEpoch != b.warpEpoch);
}
void note(uint64_t addr, unsigned n, bool write) {
    const bool in = isShared(addr);
    Access me{kc_number, ++seq, thread(), blockEpoch[fiber()], warpEpoch[fiber()], 0};
    for (uint64_t at = addr & ~3ull; at < addr + n; at += 4) {
        me.bytes = 0;
        for (int i = 0; i < 4; i++)
            if (at + i >= addr && at + i < addr + n) me.bytes |= 1 << i;
        Word &w = (in ? shared : global)[at];
        auto meets = [&](const std::vector<Access> &others, const char *what) {
            for (auto &o : others)
                if ((o.bytes & me.bytes) && !ordered(o, me)) {
                    if (said++ >= 3) return;
                    char text[400];
                    snprintf(text, sizeof text,
                             "race in %s: %s of %s memory %s0x%llx by thread %u of block %llu and thread %u of block %llu, nothing "
                             "between them",
                             kernel, what, in ? "shared" : "global", in ? "+" : "",
                             (unsigned long long)(in ? at - (uint64_t)kc_shared : at), o.tid, (unsigned long long)o.block, me.tid,
                             (unsigned long long)me.block);
                    kc_report(text);
                    return;
                }
        };
        // What has the same fate as the newest is found by it alone.
        auto keep = [&](std::vector<Access> &list) {
            size_t kept = 0;
            for (auto &o : list)
                if (!((o.bytes & ~me.bytes) == 0 && (o.block == me.block && (o.tid == me.tid || o.blockEpoch != me.blockEpoch))))
                    list[kept++] = o;
            list.resize(kept);
            if (list.size() < 64) list.push_back(me);
        };
        meets(w.writes, write ? "two writes" : "a write and a read");
        if (write) {
            meets(w.reads, "a read and a write");
            keep(w.writes);
        } else
            keep(w.reads);
    }
}
inline void at_barrier() {
    blockEpoch[fiber()]++;
    warpEpoch[fiber()] = 0;
}
inline void at_warp_barrier() { warpEpoch[fiber()]++; }
Clock now() {
    Clock c = lives[kc_number].seen;
    c[kc_number] = seq;
    return c;
}
inline void at_fence() { lives[kc_number].fenced = now(); }
inline void at_acquire(uint64_t a) { join(lives[kc_number].seen, left[a]); }
inline void at_atomic(uint64_t a, bool releases) {
    at_acquire(a);
    join(left[a], releases ? now() : lives[kc_number].fenced);
}
#else
inline void enter(const char *) {}
inline void note(uint64_t, unsigned, bool) {}
inline void at_barrier() {}
inline void at_warp_barrier() {}
inline void at_fence() {}
inline void at_acquire(uint64_t) {}
inline void at_atomic(uint64_t, bool) {}
#endif

template <class T> inline T ld(uint64_t a, unsigned align = sizeof(T)) {
    if (a % align) __builtin_trap(); // a misaligned address
    note(a, sizeof(T), false);
    return *(T *)a;
}
template <class T> inline void st(uint64_t a, T v, unsigned align = sizeof(T)) {
    if (a % align) __builtin_trap();
    note(a, sizeof(T), true);
    *(T *)a = v;
}
template <class T, class S> inline T bits(S s) {
    static_assert(sizeof(T) == sizeof(S), "size");
    T t;
    memcpy(&t, &s, sizeof t);
    return t;
}
template <class T> inline T shl(T a, uint32_t n) { return n >= 8 * sizeof(T) ? 0 : a << n; }
template <class T> inline T shr(T a, uint32_t n) { return n >= 8 * sizeof(T) ? (a < 0 ? T(-1) : T(0)) : a >> n; }
template <class T> inline T minimum(T a, T b) {
    if constexpr (std::is_floating_point<T>::value)
        return std::fmin(a, b);
    else
        return a < b ? a : b;
}
template <class T> inline T maximum(T a, T b) {
    if constexpr (std::is_floating_point<T>::value)
        return std::fmax(a, b);
    else
        return a > b ? a : b;
}
template <class T> inline T bfe(T a, uint32_t pos, uint32_t len) { // the ISA's loop, sign and all
    constexpr unsigned top = 8 * sizeof(T) - 1;
    pos &= 0xff;
    len &= 0xff;
    typedef typename std::make_unsigned<T>::type U;
    U sign = std::is_unsigned<T>::value || len == 0 ? 0 : (U)a >> std::min<unsigned>(pos + len - 1, top) & 1, d = 0;
    for (unsigned i = 0; i <= top; i++) d |= (i < len && pos + i <= top ? (U)a >> (pos + i) & 1 : sign) << i;
    return (T)d;
}
inline uint32_t lop3(uint32_t a, uint32_t b, uint32_t c, uint32_t lut) {
    uint32_t d = 0;
    for (int i = 0; i < 8; i++)
        if (lut >> i & 1) d |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return d;
}
inline uint32_t prmt(uint32_t a, uint32_t b, uint32_t how) {
    const uint64_t all = (uint64_t)b << 32 | a;
    uint32_t d = 0;
    for (int i = 0; i < 4; i++) {
        const uint32_t pick = how >> 4 * i & 15;
        uint32_t byte = all >> 8 * (pick & 7) & 0xff;
        if (pick & 8) byte = byte & 0x80 ? 0xff : 0;
        d |= byte << 8 * i;
    }
    return d;
}
template <class T> inline T to_int(double f) { // of a whole number: what is beyond is the nearest there is
    if (f != f) return 0;
    constexpr T least = std::is_unsigned<T>::value ? 0 : T(1) << (8 * sizeof(T) - 1), most = T(~least);
    if (f <= (double)least) return least;
    return f >= (double)most ? most : (T)f;
}
inline uint32_t bf16(float f) {
    uint32_t b = bits<uint32_t>(f);
    if (f != f) return 0x7fff;
    return (b + 0x7fff + (b >> 16 & 1)) >> 16;
}
inline float from16(uint32_t h) { return bits<float>(h << 16); }

inline void barrier() {
    at_barrier();
    kc_block_barrier();
}
inline void warp_barrier(uint32_t mask) {
    if (mask != 0xffffffffu) __builtin_trap(); // of whole warps only
    char mine = 0, all[32];
    at_warp_barrier();
    kc_warp_gather(&mine, all, 1);
}
enum Shuffle { Bfly, Idx, Up, Down };
template <class T> inline T shfl(Shuffle how, T v, uint32_t by, uint32_t clamp, uint32_t mask) {
    const int lane = thread() & 31;
    if (mask != 0xffffffffu || clamp != (how == Up ? 0u : 31u)) __builtin_trap();
    int from = how == Bfly ? lane ^ int(by) : how == Idx ? int(by) : how == Up ? lane - int(by) : lane + int(by);
    if (from < 0 || from > 31) from = lane;
    return bits<T>(kc_warp_read(bits<uint32_t>(v), from));
}
inline uint32_t ballot(bool p, uint32_t mask) {
    if (mask != 0xffffffffu) __builtin_trap();
    char mine = p, all[32];
    kc_warp_gather(&mine, all, 1);
    uint32_t out = 0;
    for (int i = 0; i < 32; i++)
        if (all[i] == 1) out |= 1u << i;
    return out;
}
template <class T, class F> inline T atomic(uint64_t a, bool releases, F f) {
    if (a % sizeof(T)) __builtin_trap();
    at_atomic(a, releases);
    const T old = *(T *)a;
    *(T *)a = f(old);
    return old;
}

// A load with .acquire: what loops over it waits for other blocks, so these go on first.
template <class T> inline T acquire(uint64_t a) {
    if (a % sizeof(T)) __builtin_trap();
    kc_spin();
    at_acquire(a);
    return *(volatile T *)a;
}

// Tables of the PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type".
inline void mma_m16n8k16_bf16(float *d, const uint32_t *a, const uint32_t *b, const float *c) {
    uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]}, all[32][6];
    kc_warp_gather(mine, all, sizeof mine);
    float A[16][16], B[16][8];
    for (int lane = 0; lane < 32; lane++) {
        const int group = lane >> 2, in = lane % 4;
        for (int i = 0; i < 8; i++) {
            const int row = i < 2 || (4 <= i && i < 6) ? group : group + 8, col = (i < 4 ? in * 2 : in * 2 + 8) + (i & 1);
            A[row][col] = from16(i & 1 ? all[lane][i / 2] >> 16 : all[lane][i / 2] & 0xffff);
        }
        for (int i = 0; i < 4; i++) {
            const int row = (i < 2 ? in * 2 : in * 2 + 8) + (i & 1);
            B[row][group] = from16(i & 1 ? all[lane][4 + i / 2] >> 16 : all[lane][4 + i / 2] & 0xffff);
        }
    }
    const int lane = thread() & 31, group = lane >> 2, in = lane % 4;
    for (int i = 0; i < 4; i++) {
        const int row = i < 2 ? group : group + 8, col = in * 2 + (i & 1);
        float s = c[i];
        for (int k = 0; k < 16; k++) s += A[row][k] * B[k][col];
        d[i] = s;
    }
}
// n matrices of 8 rows of 8 halves, the row addresses of matrix i by lanes 8i to 8i+7.
inline void ldmatrix(uint32_t *d, int n, bool transposed, uint64_t row) {
    uint64_t rows[32];
    kc_warp_gather(&row, rows, sizeof row);
    const int lane = thread() & 31;
    for (int i = 0; i < n; i++) {
        if (rows[8 * i + lane / 4] % 16) __builtin_trap();
        if (!transposed) {
            d[i] = ld<uint32_t>(rows[8 * i + lane / 4] + 4 * (lane % 4));
            continue;
        }
        d[i] = ld<uint16_t>(rows[8 * i + lane % 4 * 2] + 2 * (lane / 4));
        d[i] |= (uint32_t)ld<uint16_t>(rows[8 * i + lane % 4 * 2 + 1] + 2 * (lane / 4)) << 16;
    }
    char mine = 0, all[32];
    kc_warp_gather(&mine, all, 1); // all lanes read at once: nobody goes on before
}

// Copies that run beside the thread arrive as late as they may: when it waits for them.
struct Copy {
    uint64_t to, from;
    unsigned bytes, given;
};
struct Copies {
    uint64_t block = ~0ull;
    std::vector<Copy> open;
    std::vector<std::vector<Copy>> groups;
};
Copies copies[mostFibers];
inline Copies &mine() {
    Copies &c = copies[fiber()];
    if (c.block != kc_number) {
        c = Copies();
        c.block = kc_number;
    }
    return c;
}
inline void cp_async(uint64_t to, uint64_t from, unsigned bytes, unsigned given) {
    if (to % bytes || from % bytes || !isShared(to) || given > bytes) __builtin_trap();
    if (given) note(from, given, false);
    mine().open.push_back({to, from, bytes, given});
}
inline void cp_commit() {
    Copies &c = mine();
    c.groups.push_back(std::move(c.open));
    c.open.clear();
}
inline void cp_wait(size_t left) {
    Copies &c = mine();
    size_t done = c.groups.size() > left ? c.groups.size() - left : 0;
    for (size_t i = 0; i < done; i++)
        for (auto &x : c.groups[i]) {
            note(x.to, x.bytes, true);
            memset((void *)x.to, 0, x.bytes);
            memcpy((void *)x.to, (void *)x.from, x.given);
        }
    c.groups.erase(c.groups.begin(), c.groups.begin() + done);
}
inline void cp_wait_all() {
    cp_commit();
    cp_wait(0);
}
} // namespace
