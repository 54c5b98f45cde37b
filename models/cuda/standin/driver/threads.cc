// Threads of a block as fibers on one host thread. A warp runs as far as it
// can before the next one starts, lanes and warps in random order: a missing
// barrier then shows as a value that is not there yet. Shared memory starts as
// 0xFF in every block.
#include "standin.h"
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <ucontext.h>

Dim kc_threadIdx, kc_blockIdx, kc_blockDim, kc_gridDim;
void *kc_shared;
uint64_t kc_launch, kc_block;

// fib_switch keeps the caller's registers on its stack, its stack pointer in
// *save, and goes on where the stack `to` was left.
extern "C" void fib_switch(void **save, void *to);
extern "C" char fib_resume[];
asm(R"(
.text
.globl fib_switch
.hidden fib_switch
.type fib_switch,@function
fib_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
.globl fib_resume
.hidden fib_resume
fib_resume:
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size fib_switch,.-fib_switch
)");

namespace {
using standin::complain;

enum State : uint8_t { Ready, AtBarrier, AtWarp, Done };

struct Fiber {
  void *sp;
  char *stack;
  Dim id;
  State state;
  uint8_t parity;
  const char *at; // what it waits for
  alignas(16) char ex[2][64]; // what it shows its warp, in turn
};

constexpr size_t stackBytes = 64 << 10;
constexpr int most = 1024;
Fiber fibers[most];
int count;
Fiber *current;
void *scheduler;
void (*body)(void **);
void **arguments;
char *stacks;
char *idle[most]; // stacks that no fiber stands on, the last one first
int idles;

// What went wrong inside a kernel.
volatile sig_atomic_t running;
bool reported;
int faultSignal;
void *faultAddress;
struct sigaction before[32];

void entry() {
  body(arguments);
  current->state = Done;
  void *dead;
  fib_switch(&dead, scheduler);
  abort();
}

void wait(State s, const char *at) {
  Fiber *f = current;
  f->state = s;
  f->at = at;
  fib_switch(&f->sp, scheduler);
}

// An access outside every allocation ends the kernel, not the process: the
// fault goes on in the scheduler. Faults outside kernels belong to others.
void onFault(int sig, siginfo_t *info, void *context) {
  if (running) {
    faultSignal = sig;
    faultAddress = info->si_addr;
    auto *uc = static_cast<ucontext_t *>(context);
    uc->uc_mcontext.gregs[REG_RSI] = reinterpret_cast<greg_t>(scheduler);
    uc->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(&fib_resume);
    return;
  }
  struct sigaction &old = before[sig];
  if (old.sa_flags & SA_SIGINFO) {
    old.sa_sigaction(sig, info, context);
  } else if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) {
    old.sa_handler(sig);
  } else {
    signal(sig, SIG_DFL);
    raise(sig);
  }
}

void install() {
  static bool done;
  if (done) return;
  done = true;
  for (int sig : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    struct sigaction sa {};
    sa.sa_sigaction = onFault;
    sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(sig, &sa, &before[sig]);
  }
  stacks = static_cast<char *>(mmap(nullptr, stackBytes * most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

inline void go(Fiber &f) {
  current = &f;
  kc_threadIdx = f.id;
  if (!f.sp) {
    f.stack = idle[--idles];
    void **sp = reinterpret_cast<void **>(f.stack + stackBytes);
    *--sp = nullptr; // keeps the entry's frame aligned
    *--sp = reinterpret_cast<void *>(entry);
    sp -= 6;
    f.sp = sp;
  }
  fib_switch(&scheduler, f.sp);
}

std::string place(const standin::Kernel &k, const Fiber &f) {
  char b[200];
  snprintf(b, sizeof b, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u)", k.name.c_str(), kc_blockIdx.x, kc_blockIdx.y, kc_blockIdx.z, f.id.x, f.id.y, f.id.z);
  return b;
}

CUresult unequal(const standin::Kernel &k, const Fiber &waits, const Fiber &other) {
  if (other.state == Done)
    complain("%s waits at %s, thread (%u,%u,%u) has ended", place(k, waits).c_str(), waits.at, other.id.x, other.id.y, other.id.z);
  else
    complain("%s waits at %s, thread (%u,%u,%u) at %s", place(k, waits).c_str(), waits.at, other.id.x, other.id.y, other.id.z, other.at);
  return CUDA_ERROR_LAUNCH_TIMEOUT; // on a device it hangs
}

// runBlock runs one block to its end.
CUresult runBlock(const standin::Kernel &k) {
  const Dim b = kc_blockDim;
  const int warps = (count + 31) / 32;
  int order[32];
  for (int w = 0; w < warps; w++) order[w] = w;
  const uint32_t r = standin::draw();
  for (int w = warps - 1; w > 0; w--) std::swap(order[w], order[standin::draw() % (w + 1)]);
  const int stride = (r & 31) | 1, first = (r >> 5) & 31; // an odd stride visits all 32 lanes
  idles = 0;
  for (int i = count - 1; i >= 0; i--) idle[idles++] = stacks + stackBytes * i;
  Dim id{0, 0, 0};
  for (int i = 0; i < count; i++) {
    Fiber &f = fibers[i];
    f.sp = nullptr;
    f.id = id;
    f.state = Ready;
    f.parity = 0;
    if (++id.x == b.x) { id.x = 0; if (++id.y == b.y) { id.y = 0; id.z++; } }
  }
  for (;;) {
    bool all = true; // every thread has ended
    for (int n = 0; n < warps; n++) {
      const int lo = order[n] * 32, lanes = std::min(32, count - lo);
      for (;;) {
        int left = 0, warp = 0;
        Fiber *atWarp = nullptr, *other = nullptr;
        for (int i = 0; i < 32; i++) {
          const int lane = (first + i * stride) & 31;
          if (lane >= lanes) continue;
          Fiber &f = fibers[lo + lane];
          if (f.state == Ready) {
            go(f);
            if (faultSignal) {
              complain("%s: %s at %s", place(k, f).c_str(), strsignal(faultSignal), standin::whereabouts(faultAddress).c_str());
              return CUDA_ERROR_ILLEGAL_ADDRESS;
            }
          }
          if (f.state == Done && f.stack) { idle[idles++] = f.stack; f.stack = nullptr; }
          if (f.state == AtWarp) { warp++; atWarp = &f; } else other = &f;
          if (f.state != Done) left++;
        }
        if (warp == 0) { all = all && left == 0; break; }
        if (warp != lanes) return unequal(k, *atWarp, *other);
        for (int i = 0; i < lanes; i++) fibers[lo + i].state = Ready;
      }
    }
    if (all) return CUDA_SUCCESS;
    Fiber *waits = nullptr, *done = nullptr;
    for (int i = 0; i < count; i++) {
      if (fibers[i].state == Done) done = &fibers[i]; else waits = &fibers[i];
      if (fibers[i].state == AtBarrier) fibers[i].state = Ready;
    }
    if (done && waits) return unequal(k, *waits, *done);
  }
}
} // namespace

// exchange shows the warp n bytes and waits until every lane has shown its own.
static inline uint8_t exchange(const void *mine, unsigned n) {
  Fiber *f = current;
  const uint8_t turn = f->parity;
  if (n > sizeof f->ex[0]) abort();
  memcpy(f->ex[turn], mine, n);
  f->parity = turn ^ 1; // nobody gets two exchanges ahead, so two places suffice
  wait(AtWarp, "an exchange within its warp");
  return turn;
}

extern "C" {
// kc_report fails the launch, which goes on to its end.
void kc_report(const char *text) {
  complain("%s", text);
  reported = true;
}

void kc_block_barrier() { wait(AtBarrier, "kc_barrier"); }

// kc_warp_gather gives every lane what all lanes show; a lane that does not
// exist shows 0xFF.
void kc_warp_gather(const void *mine, void *all, unsigned n) {
  const uint8_t turn = exchange(mine, n);
  const int lo = static_cast<int>(current - fibers) & ~31;
  for (int i = 0; i < 32; i++) {
    char *to = static_cast<char *>(all) + i * n;
    if (lo + i < count) memcpy(to, fibers[lo + i].ex[turn], n);
    else memset(to, 0xff, n);
  }
}

// kc_warp_read is the word that one lane shows.
uint32_t kc_warp_read(uint32_t mine, int lane) {
  const uint8_t turn = exchange(&mine, sizeof mine);
  const int from = (static_cast<int>(current - fibers) & ~31) + (lane & 31);
  uint32_t got = ~0u;
  if (from < count) memcpy(&got, fibers[from].ex[turn], sizeof got);
  return got;
}
}

CUresult standin::runGrid(const Kernel &k, Dim grid, Dim block, unsigned shared, void **args) {
  install();
  static char *dynamic;
  constexpr size_t page = 4096, room = 256 << 10;
  if (!dynamic) { // the array ends at a page that nobody may touch
    dynamic = static_cast<char *>(mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    mprotect(dynamic + room, page, PROT_NONE);
  }
  const unsigned rounded = (shared + 15) & ~15u;
  kc_shared = dynamic + room - rounded;
  body = k.run;
  arguments = args;
  kc_blockDim = block;
  kc_gridDim = grid;
  count = static_cast<int>(block.x * block.y * block.z);
  faultSignal = 0;
  reported = false;
  kc_launch++;
  CUresult res = CUDA_SUCCESS;
  running = 1;
  // Blocks, too, run in either order.
  const bool backwards = draw() & 1;
  const uint64_t blocks = uint64_t(grid.x) * grid.y * grid.z;
  for (uint64_t n = 0; n < blocks && res == CUDA_SUCCESS; n++) {
    const uint64_t i = backwards ? blocks - 1 - n : n;
    kc_blockIdx = {unsigned(i % grid.x), unsigned(i / grid.x % grid.y), unsigned(i / grid.x / grid.y)};
    kc_block++;
    if (rounded) memset(kc_shared, 0xff, rounded);
    res = runBlock(k);
  }
  running = 0;
  if (res == CUDA_SUCCESS && reported) res = CUDA_ERROR_LAUNCH_FAILED;
  if (res == CUDA_SUCCESS)
    if (const char *where = overrun()) {
      complain("kernel %s wrote %s", k.name.c_str(), where);
      res = CUDA_ERROR_ILLEGAL_ADDRESS;
    }
  return res;
}
