// The few functions of NCCL that models/cuda calls, on the stand-in driver. Ranks,
// threads or processes, meet in a folder of shared memory that the unique id names. A
// sum is queued in its stream; when its turn comes it leaves this rank's numbers there,
// and ends when those of all ranks lie there, added up in the order of the ranks. As in
// the real one a rank that is gone is waited for until ncclCommAbort.
//
// STANDIN_NCCL_DIR=DIR: where they meet, otherwise /dev/shm.
// STANDIN_NCCL_LOG=FILE: a line for each call: rank, function, numbers.
// STANDIN_NCCL_DELAY=N: a sum ends up to N milliseconds late, at random.
// STANDIN_NCCL_ASYNC=N: after N sums none ends any more, and each rank hears of an error.
// STANDIN_NCCL_INIT=N: no communicator, status N, as of two ranks on one device.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cuda.h>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

extern "C" {
int standin_queue_when(CUstream stream, const char *name, int (*may)(void *), void (*run)(void *), void *what);
int standin_inside(uint64_t p, uint64_t n);
}

namespace {
enum { ok = 0, unhandled = 1, failed = 2, invalid = 4, wrongUse = 5, remote = 6 };
struct Id { char internal[128]; };

long number(const char *name) {
  const char *v = getenv(name);
  return v && *v ? atol(v) : 0;
}

void note(int rank, const char *what, size_t n) {
  const char *path = getenv("STANDIN_NCCL_LOG");
  if (!path || !*path) return;
  char line[100];
  const int size = snprintf(line, sizeof line, "%d %s %zu\n", rank, what, n);
  const int to = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (to < 0 || write(to, line, size) != size) fprintf(stderr, "stand-in: %s cannot be written\n", path);
  if (to >= 0) close(to);
}

// Comm is never freed: queued work may still ask for it.
struct Comm {
  std::string folder;
  int rank, size;
  std::atomic<uint64_t> sums{0}; // that were asked for
  std::atomic<bool> aborted{false};

  std::string file(const std::string &what, int r) const { return folder + "/" + what + "." + std::to_string(r); }
  bool leave(const std::string &what, const void *at, size_t bytes) const {
    const std::string to = file(what, rank), part = to + ".part";
    FILE *f = fopen(part.c_str(), "wb");
    if (!f) return false;
    const bool whole = bytes == 0 || fwrite(at, 1, bytes, f) == bytes;
    return fclose(f) == 0 && whole && rename(part.c_str(), to.c_str()) == 0;
  }
  bool all(const std::string &what) const {
    for (int r = 0; r < size; r++)
      if (access(file(what, r).c_str(), F_OK) != 0) return false;
    return true;
  }
  void drop(const std::string &what) const { unlink(file(what, rank).c_str()); }
};

struct Sum {
  Comm *comm;
  uint64_t number;
  const float *from;
  float *to;
  size_t n;
  bool begun = false;
  std::chrono::steady_clock::time_point late;
};

std::string name(uint64_t number) { return "sum" + std::to_string(number); }

int may(void *what) {
  auto *s = static_cast<Sum *>(what);
  if (s->comm->aborted) return 1;
  if (!s->begun) {
    s->begun = true;
    static std::minstd_rand random{std::random_device{}()};
    if (const long most = number("STANDIN_NCCL_DELAY")) s->late = std::chrono::steady_clock::now() + std::chrono::milliseconds(random() % (most + 1));
    if (!s->comm->leave(name(s->number), s->from, 4 * s->n)) fprintf(stderr, "stand-in: %s: no room for a sum\n", s->comm->folder.c_str());
  }
  const long most = number("STANDIN_NCCL_ASYNC");
  return (most == 0 || s->number < uint64_t(most)) && std::chrono::steady_clock::now() >= s->late && s->comm->all(name(s->number));
}

void run(void *what) {
  auto *s = static_cast<Sum *>(what);
  Comm *c = s->comm;
  std::vector<float> sums(s->n), theirs(s->n + 1);
  bool good = !c->aborted;
  for (int r = 0; good && r < c->size; r++) {
    FILE *f = fopen(c->file(name(s->number), r).c_str(), "rb");
    const size_t got = f ? fread(theirs.data(), 4, s->n + 1, f) : 0;
    if (f) fclose(f);
    if (got != s->n) {
      fprintf(stderr, "stand-in: sum %llu has %zu numbers of rank %d, %zu or more of rank %d\n", (unsigned long long)s->number, s->n, c->rank, got, r);
      good = false;
    }
    for (size_t i = 0; good && i < s->n; i++) sums[i] = r == 0 ? theirs[i] : sums[i] + theirs[i];
  }
  if (good) memcpy(s->to, sums.data(), 4 * s->n);
  else memset(s->to, 0xff, 4 * s->n); // nobody may rely on it
  if (s->number > 0) c->drop(name(s->number - 1)); // all have begun this one, so they have read that one
  delete s;
}
} // namespace

extern "C" {
int ncclGetVersion(int *v) { *v = 22105; return ok; }
const char *ncclGetErrorString(int r) {
  const char *words[] = {"no error", "unhandled cuda error", "unhandled system error", "internal error", "invalid argument", "invalid usage", "remote error"};
  return r >= 0 && r < 7 ? words[r] : "an error of the stand-in without words";
}
int ncclGetUniqueId(Id *id) {
  std::random_device random;
  memset(id, 0, sizeof *id);
  const char *root = getenv("STANDIN_NCCL_DIR");
  snprintf(id->internal, sizeof id->internal, "%s/prabench-standin-nccl-%08x%08x", root && *root ? root : "/dev/shm", random(), random());
  return mkdir(id->internal, 0700) == 0 ? ok : failed;
}
int ncclCommInitRank(void **out, int size, Id id, int rank) {
  if (!out || size < 1 || rank < 0 || rank >= size || strnlen(id.internal, sizeof id.internal) == sizeof id.internal) return invalid;
  note(rank, "ncclCommInitRank", size);
  if (const long r = number("STANDIN_NCCL_INIT")) return int(r);
  auto *c = new Comm;
  c->folder = id.internal, c->rank = rank, c->size = size;
  if (!c->leave("here", "", 0)) return failed;
  while (!c->all("here")) usleep(200);
  *out = c;
  return ok;
}
int ncclAllReduce(const void *from, void *to, size_t n, int type, int op, void *comm, CUstream stream) {
  auto *c = static_cast<Comm *>(comm);
  if (!c || type != 7 || op != 0) return invalid;
  if (c->aborted) return wrongUse;
  if (!standin_inside(reinterpret_cast<uint64_t>(from), 4 * n) || !standin_inside(reinterpret_cast<uint64_t>(to), 4 * n)) return invalid;
  note(c->rank, "ncclAllReduce", n);
  auto *s = new Sum{c, c->sums++, static_cast<const float *>(from), static_cast<float *>(to), n};
  return standin_queue_when(stream, "all-reduce", may, run, s) ? unhandled : ok;
}
int ncclCommGetAsyncError(void *comm, int *r) {
  const auto *c = static_cast<Comm *>(comm);
  if (!c || c->aborted) return invalid;
  const long most = number("STANDIN_NCCL_ASYNC");
  *r = most > 0 && c->sums > uint64_t(most) ? remote : ok;
  return ok;
}
int ncclCommAbort(void *comm) {
  auto *c = static_cast<Comm *>(comm);
  if (!c || c->aborted) return invalid;
  note(c->rank, "ncclCommAbort", 0);
  c->aborted = true;
  c->leave("gone", "", 0); // others may still read what it has left
  std::error_code ignored;
  if (c->all("gone")) std::filesystem::remove_all(c->folder, ignored);
  return ok;
}
}
