// Threads of a block as fibers on one host thread. A warp runs as far as it
// can before the next one starts, lanes and warps in random order: a missing
// barrier then shows as a value that is not there yet. Shared memory starts as
// 0xFF in every block. The blocks of a cooperative launch are alive together: one
// runs until all its threads wait for each other or for another block.
#include "standin.h"
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <ucontext.h>

Dim kc_threadIdx, kc_blockIdx, kc_blockDim, kc_gridDim;
void *kc_shared;
uint64_t kc_launch, kc_number;
unsigned kc_slot, kc_alive;

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

enum State : uint8_t { Ready, AtBarrier, AtWarp, AtSpin, Done };

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
constexpr int most = 1024 * standin::mostTogether;
constexpr char spinning[] = "kc_arrived"; // what one waits at that looks again and again
Fiber fibers[most];
int count;      // of a block
Fiber *lane0;   // of the block that runs, its first
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

// A block whose threads are alive. A launch has one at a time, a cooperative one all.
struct Block {
  Dim id;
  uint64_t number;
  void *shared;
  Fiber *fibers;
  int order[32], stride, first; // of its warps and of their lanes, all at random
  bool done;
};
std::vector<Block> blocks;
uint64_t numbers; // of all blocks so far

// dynamicEnd is where the shared memory of the blocks alive ends, each at a page that
// nobody may touch.
void *dynamicEnd(int slot) {
  constexpr size_t page = 4096, room = 256 << 10;
  static char *memory;
  if (!memory) {
    memory = static_cast<char *>(mmap(nullptr, (room + page) * standin::mostTogether, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    for (int i = 0; i < standin::mostTogether; i++) mprotect(memory + (room + page) * i + room, page, PROT_NONE);
  }
  return memory + (room + page) * slot + room;
}

// begin makes the fibers of a block.
void begin(Block &b, Dim id, int slot, int warps, unsigned shared) {
  b.id = id;
  b.number = ++numbers;
  b.fibers = fibers + slot * warps * 32;
  b.done = false;
  b.shared = static_cast<char *>(dynamicEnd(slot)) - shared;
  if (shared) memset(b.shared, 0xff, shared);
  for (int w = 0; w < warps; w++) b.order[w] = w;
  const uint32_t r = standin::draw();
  for (int w = warps - 1; w > 0; w--) std::swap(b.order[w], b.order[standin::draw() % (w + 1)]);
  b.stride = (r & 31) | 1, b.first = (r >> 5) & 31; // an odd stride visits all 32 lanes
  Dim at{0, 0, 0};
  for (int i = 0; i < count; i++) {
    Fiber &f = b.fibers[i];
    f.sp = nullptr;
    f.id = at;
    f.state = Ready;
    f.parity = 0;
    if (++at.x == kc_blockDim.x) { at.x = 0; if (++at.y == kc_blockDim.y) { at.y = 0; at.z++; } }
  }
}

// warpTurn runs one warp until each lane waits for more than its warp, or has ended.
CUresult warpTurn(const standin::Kernel &k, Block &b, int lo, bool &moved) {
  const int lanes = std::min(32, count - lo);
  for (;;) {
    int warp = 0;
    bool spins = false;
    Fiber *atWarp = nullptr, *other = nullptr;
    for (int i = 0; i < 32; i++) {
      const int lane = (b.first + i * b.stride) & 31;
      if (lane >= lanes) continue;
      Fiber &f = b.fibers[lo + lane];
      if (f.state == Ready) {
        go(f);
        if (faultSignal) {
          complain("%s: %s at %s", place(k, f).c_str(), strsignal(faultSignal), standin::whereabouts(faultAddress).c_str());
          return CUDA_ERROR_ILLEGAL_ADDRESS;
        }
        moved = moved || f.state != AtSpin;
      }
      if (f.state == Done && f.stack) { idle[idles++] = f.stack; f.stack = nullptr; }
      if (f.state == AtWarp) { warp++; atWarp = &f; } else other = &f;
      spins = spins || f.state == AtSpin;
    }
    if (warp == 0 || spins) return CUDA_SUCCESS;
    if (warp != lanes) return unequal(k, *atWarp, *other);
    for (int i = 0; i < lanes; i++) b.fibers[lo + i].state = Ready;
  }
}

// turn runs a block until all its threads wait for each other or for another block, and
// then lets them go on; moved says whether one of them did more than to look again.
CUresult turn(const standin::Kernel &k, Block &b, int slot, bool &moved) {
  kc_blockIdx = b.id, kc_shared = b.shared, kc_number = b.number, kc_slot = slot;
  lane0 = b.fibers;
  for (int n = 0; n < (count + 31) / 32; n++)
    if (CUresult r = warpTurn(k, b, b.order[n] * 32, moved)) return r;
  bool spins = false, all = true;
  for (int i = 0; i < count; i++) {
    spins = spins || b.fibers[i].state == AtSpin;
    all = all && b.fibers[i].state == Done;
    if (b.fibers[i].state == AtSpin) b.fibers[i].state = Ready;
  }
  b.done = all;
  if (all || spins) return CUDA_SUCCESS;
  Fiber *waits = nullptr, *done = nullptr;
  for (int i = 0; i < count; i++) {
    Fiber &f = b.fibers[i];
    if (f.state == Done) done = &f; else waits = &f;
    if (f.state == AtBarrier) f.state = Ready;
  }
  return done && waits ? unequal(k, *waits, *done) : CUDA_SUCCESS;
}

// run runs the blocks that are alive to their end.
CUresult run(const standin::Kernel &k) {
  int still = 0; // how many turns of all blocks nobody has moved
  for (;;) {
    bool all = true, moved = false;
    const size_t n = blocks.size(), from = n > 1 ? standin::draw() % n : 0;
    for (size_t i = 0; i < n; i++) {
      const size_t slot = (from + i) % n;
      if (blocks[slot].done) continue;
      if (CUresult r = turn(k, blocks[slot], int(slot), moved)) return r;
      all = all && blocks[slot].done;
    }
    if (all) return CUDA_SUCCESS;
    if ((still = moved ? 0 : still + 1) < 16) continue;
    for (const Block &b : blocks)
      for (int i = 0; i < count; i++)
        if (b.fibers[i].state != Done && b.fibers[i].at == spinning) {
          kc_blockIdx = b.id;
          complain("%s waits for a number in memory that no block will write any more; %zu blocks are alive", place(k, b.fibers[i]).c_str(), n);
          return CUDA_ERROR_LAUNCH_TIMEOUT; // on a device it hangs
        }
    return CUDA_ERROR_LAUNCH_TIMEOUT;
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

// kc_spin lets others go on: blocks that are alive too may write what is waited for.
void kc_spin() { wait(AtSpin, spinning); }

// kc_warp_gather gives every lane what all lanes show; a lane that does not
// exist shows 0xFF.
void kc_warp_gather(const void *mine, void *all, unsigned n) {
  const uint8_t turn = exchange(mine, n);
  const int lo = static_cast<int>(current - lane0) & ~31;
  for (int i = 0; i < 32; i++) {
    char *to = static_cast<char *>(all) + i * n;
    if (lo + i < count) memcpy(to, lane0[lo + i].ex[turn], n);
    else memset(to, 0xff, n);
  }
}

// kc_warp_read is the word that one lane shows.
uint32_t kc_warp_read(uint32_t mine, int lane) {
  const uint8_t turn = exchange(&mine, sizeof mine);
  const int from = (static_cast<int>(current - lane0) & ~31) + (lane & 31);
  uint32_t got = ~0u;
  if (from < count) memcpy(&got, lane0[from].ex[turn], sizeof got);
  return got;
}
}

CUresult standin::runGrid(const Kernel &k, Dim grid, Dim block, unsigned shared, void **args, bool together) {
  install();
  const unsigned rounded = (shared + 15) & ~15u;
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
  const uint64_t all = uint64_t(grid.x) * grid.y * grid.z, alive = together ? all : 1;
  const int warps = (count + 31) / 32;
  blocks.resize(alive);
  kc_alive = unsigned(alive);
  for (uint64_t n = 0; n < all && res == CUDA_SUCCESS; n += alive) {
    idles = 0;
    for (int i = static_cast<int>(alive) * warps * 32 - 1; i >= 0; i--) idle[idles++] = stacks + stackBytes * i;
    for (uint64_t slot = 0; slot < alive; slot++) {
      const uint64_t i = backwards ? all - 1 - n - slot : n + slot;
      begin(blocks[slot], {unsigned(i % grid.x), unsigned(i / grid.x % grid.y), unsigned(i / grid.x / grid.y)}, int(slot), warps, rounded);
    }
    res = run(k);
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
