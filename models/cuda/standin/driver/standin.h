// A CUDA driver on host memory, for tests: what its parts share.
#pragma once
#include <cuda.h>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct Dim {
    unsigned x, y, z;
};

// The symbols that a kernel image built by g++ finds here (kernels/kcompat.h).
extern "C" {
extern Dim kc_threadIdx, kc_blockIdx, kc_blockDim, kc_gridDim;
extern void *kc_shared;
extern uint64_t kc_launch, kc_number; // numbers of the launch and of the block that run now
extern unsigned kc_slot, kc_alive;    // which of the blocks that are alive together, and how many those are
}

namespace standin {

// Every entry point holds it: kernels run on one host thread at a time. One that waits
// for another thread or process lets go of it for a moment.
class Lock {
    std::recursive_mutex held;
    int depth = 0;

  public:
    void lock() { held.lock(), depth++; }
    void unlock() { depth--, held.unlock(); }
    void rest();
};
extern Lock lock;

// seeded random numbers of the hostile orders; STANDIN_SEED sets the start.
uint32_t draw();

// number is an environment variable as a number.
long number(const char *name, long otherwise);

// complain prints one line for the person who reads a failed test.
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

// ---- memory.cc
struct Allocation {
    size_t bytes, mapped;
    char *map;
    char *start;
};
bool inside(CUdeviceptr p, size_t n);
bool pinned(const void *p, size_t n);
std::string whereabouts(const void *p); // an address in words
const char *overrun();                  // the first allocation whose slack was written, in words, or null
size_t held();                          // allocations, device and pinned
std::string leaks();
void forgetAll();

// ---- module.cc
struct Kernel {
    std::string name;
    void (*run)(void **) = nullptr;
    std::vector<unsigned> params; // bytes of each, as PTX declares them
    unsigned maxThreads = 1024;   // .maxntid
    unsigned staticShared = 0;
    int dynamicShared = 48 << 10; // most that a launch may ask for, see cuFuncSetAttribute
};
extern int modules;
constexpr int multiprocessors = 2;

// ---- threads.cc
// together: all blocks are alive at once, mostTogether at most.
constexpr int mostTogether = 8;
CUresult runGrid(const Kernel &k, Dim grid, Dim block, unsigned shared, void **args, bool together);

// ---- stream.cc
// The first error of work that has been queued: as on a device it stays until
// the process ends, and
// every later call answers it.
extern CUresult sticky;
// enqueue queues work; where may is given, the work waits in its stream until that
// answers true, asked when everything before it is done.
CUresult enqueue(CUstream stream, const char *what, std::function<CUresult()> work, std::function<bool()> may = nullptr);
CUresult drainAll();     // everything, as cuCtxSynchronize
CUresult drainForHost(); // what a call without a stream waits for
bool capturing(CUstream stream);
extern int streams, events, graphs;
} // namespace standin

#define GUARDED std::lock_guard<standin::Lock> hold(standin::lock)
#define GUARDED_STICKY                                                                                                             \
    GUARDED;                                                                                                                       \
    if (standin::sticky != CUDA_SUCCESS) return standin::sticky
