// Streams keep what they are given until somebody waits, and then do it in an
// order that a device may choose and a careless program does not expect: at
// random, whatever is not needed either first or not at all. Events and graphs.
#include "standin.h"
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

struct CUstream_st {
  struct Op {
    const char *what;
    std::function<CUresult()> work;
    CUevent_st *waits = nullptr; // runs when this event ...
    uint64_t until = 0;          // ... has got this far
    std::function<bool()> may = nullptr; // runs when this holds, which is another's doing
  };
  std::deque<Op> queue;
  bool nonBlocking = false;
  CUgraph_st *capture = nullptr;
  bool broken = false; // something that cannot be captured was asked for
};
struct CUevent_st {
  uint64_t recorded = 0, done = 0; // how often
  std::chrono::steady_clock::time_point at;
};
struct CUgraph_st { std::vector<CUstream_st::Op> nodes; };
struct CUgraphExec_st { std::vector<CUstream_st::Op> nodes; };

namespace standin {
CUresult sticky = CUDA_SUCCESS;
int streams, events, graphs;
namespace {
CUstream_st legacy; // the stream of calls that name none
std::vector<CUstream> all{&legacy};

bool ready(const CUstream_st &s) {
  if (s.queue.empty()) return false;
  const auto &op = s.queue.front();
  return (!op.waits || op.waits->done >= op.until) && (!op.may || op.may());
}

// outside says that a stream waits for what another thread or process does.
bool outside() {
  for (CUstream s : all)
    if (!s->queue.empty() && s->queue.front().may) return true;
  return false;
}

// trace notes in the file STANDIN_TRACE what is queued, in order: thread, stream, work.
void trace(const void *stream, const char *what) {
  static FILE *to = [] { const char *path = getenv("STANDIN_TRACE"); return path && *path ? fopen(path, "a") : nullptr; }();
  if (!to) return;
  fprintf(to, "%ld %p %s\n", syscall(SYS_gettid), stream, what);
  fflush(to);
}

CUresult step(CUstream_st &s) {
  auto op = std::move(s.queue.front());
  s.queue.pop_front();
  if (!op.work) return CUDA_SUCCESS;
  CUresult r = op.work();
  if (r != CUDA_SUCCESS) {
    complain("%s: error %d", op.what, r);
    sticky = r;
    for (CUstream t : all) t->queue.clear();
  }
  return r;
}

// drain runs queued work until enough() holds; one that is not patient gives up
// where only others can go on.
CUresult drain(const std::function<bool()> &enough, CUstream_st *preferred, bool patient = true) {
  if (sticky != CUDA_SUCCESS) return sticky;
  const bool lazy = draw() & 1; // only what must be, or everything else first
  while (lazy ? !enough() : true) {
    std::vector<CUstream_st *> can;
    for (CUstream s : all)
      if (ready(*s)) can.push_back(s);
    if (can.empty()) {
      if (enough()) return CUDA_SUCCESS;
      if (outside()) {
        if (!patient) return CUDA_ERROR_NOT_READY;
        lock.rest();
        continue;
      }
      complain("a wait that nothing can end: an event that is waited for was never recorded");
      return sticky = CUDA_ERROR_LAUNCH_TIMEOUT;
    }
    CUstream_st *pick = can[draw() % can.size()];
    if (lazy && preferred && ready(*preferred)) pick = preferred;
    if (!lazy && preferred && pick == preferred && can.size() > 1)
      pick = can[0] == preferred ? can[1] : can[0];
    if (CUresult r = step(*pick)) return r;
  }
  return CUDA_SUCCESS;
}

CUstream_st *of(CUstream s) { return s ? s : &legacy; }

CUresult noCapture(CUstream_st *s) {
  if (!s->capture) return CUDA_SUCCESS;
  s->broken = true;
  return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}
bool anyCapture() {
  for (CUstream s : all)
    if (s->capture) return true;
  return false;
}
} // namespace

bool capturing(CUstream s) { return of(s)->capture != nullptr; }

CUresult enqueue(CUstream stream, const char *what, std::function<CUresult()> work, std::function<bool()> may) {
  CUstream_st *s = of(stream);
  trace(s, what);
  CUstream_st::Op op{what, std::move(work)};
  op.may = std::move(may);
  (s->capture ? s->capture->nodes.emplace_back() : s->queue.emplace_back()) = std::move(op);
  return CUDA_SUCCESS;
}

CUresult drainAll() {
  for (CUstream s : all)
    if (CUresult r = noCapture(s)) return r;
  return drain([] { for (CUstream s : all) if (!s->queue.empty()) return false; return true; }, nullptr);
}

CUresult drainForHost() {
  for (CUstream s : all)
    if (CUresult r = noCapture(s)) return r;
  return drain([] { for (CUstream s : all) if (!s->nonBlocking && !s->queue.empty()) return false; return true; }, nullptr);
}
} // namespace standin

using namespace standin;

extern "C" {
CUresult cuStreamCreate(CUstream *s, unsigned flags) {
  GUARDED_STICKY;
  *s = new CUstream_st;
  (*s)->nonBlocking = flags & CU_STREAM_NON_BLOCKING;
  all.push_back(*s);
  streams++;
  return CUDA_SUCCESS;
}
CUresult cuStreamCreateWithPriority(CUstream *s, unsigned flags, int) { return cuStreamCreate(s, flags); }
CUresult cuStreamSynchronize(CUstream stream) {
  GUARDED_STICKY;
  CUstream_st *s = of(stream);
  if (CUresult r = noCapture(s)) return r;
  return drain([=] { return s->queue.empty(); }, s);
}
CUresult cuStreamDestroy_v2(CUstream s) {
  GUARDED;
  if (sticky == CUDA_SUCCESS) cuStreamSynchronize(s);
  for (size_t i = 0; i < all.size(); i++)
    if (all[i] == s) all.erase(all.begin() + i);
  delete s;
  streams--;
  return sticky;
}
CUresult cuStreamQuery(CUstream stream) {
  GUARDED_STICKY;
  CUstream_st *s = of(stream);
  if (CUresult r = noCapture(s)) return r;
  if (ready(*s) && draw() % 2)
    if (CUresult r = step(*s)) return r;
  return s->queue.empty() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}
CUresult cuStreamWaitEvent(CUstream stream, CUevent e, unsigned) {
  GUARDED_STICKY;
  if (CUresult r = noCapture(of(stream))) return r; // a capture of two streams is not told apart here
  of(stream)->queue.push_back({"wait for an event", nullptr, e, e->recorded});
  return CUDA_SUCCESS;
}
CUresult cuCtxSynchronize() { GUARDED_STICKY; return drainAll(); }

CUresult cuEventCreate(CUevent *e, unsigned) { GUARDED_STICKY; *e = new CUevent_st; events++; return CUDA_SUCCESS; }
CUresult cuEventDestroy_v2(CUevent e) { GUARDED; if (sticky == CUDA_SUCCESS) drainAll(); delete e; events--; return CUDA_SUCCESS; }
CUresult cuEventRecord(CUevent e, CUstream stream) {
  GUARDED_STICKY;
  if (CUresult r = noCapture(of(stream))) return r;
  const uint64_t n = ++e->recorded;
  return enqueue(stream, "event", [=] { e->done = n; e->at = std::chrono::steady_clock::now(); return CUDA_SUCCESS; });
}
CUresult cuEventSynchronize(CUevent e) {
  GUARDED_STICKY;
  if (anyCapture()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  const uint64_t n = e->recorded;
  return drain([=] { return e->done >= n; }, nullptr);
}
CUresult cuEventQuery(CUevent e) {
  GUARDED_STICKY;
  if (e->done < e->recorded && draw() % 2) drain([=] { return e->done >= e->recorded; }, nullptr, false);
  return e->done >= e->recorded ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}
CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b) {
  GUARDED_STICKY;
  if (!a->recorded || !b->recorded) return CUDA_ERROR_INVALID_HANDLE;
  if (a->done < a->recorded || b->done < b->recorded) return CUDA_ERROR_NOT_READY;
  *ms = std::chrono::duration<float, std::milli>(b->at - a->at).count();
  return CUDA_SUCCESS;
}
CUresult cuEventElapsedTime_v2(float *ms, CUevent a, CUevent b) { return cuEventElapsedTime(ms, a, b); }

CUresult cuStreamBeginCapture_v2(CUstream s, CUstreamCaptureMode) {
  GUARDED_STICKY;
  if (number("STANDIN_GRAPHS", 1) == 0) return CUDA_ERROR_NOT_SUPPORTED; // an old driver
  if (!s) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (s->capture) return CUDA_ERROR_ILLEGAL_STATE;
  s->capture = new CUgraph_st;
  s->broken = false;
  graphs++;
  return CUDA_SUCCESS;
}
CUresult cuStreamEndCapture(CUstream s, CUgraph *g) {
  GUARDED_STICKY;
  *g = nullptr;
  if (!s || !s->capture) return CUDA_ERROR_ILLEGAL_STATE;
  CUgraph kept = s->capture;
  s->capture = nullptr;
  if (s->broken) { delete kept; graphs--; return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED; }
  *g = kept;
  return CUDA_SUCCESS;
}
CUresult cuStreamIsCapturing(CUstream s, CUstreamCaptureStatus *status) {
  GUARDED_STICKY;
  *status = of(s)->capture ? CU_STREAM_CAPTURE_STATUS_ACTIVE : CU_STREAM_CAPTURE_STATUS_NONE;
  return CUDA_SUCCESS;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *x, CUgraph g, unsigned long long) {
  GUARDED_STICKY;
  *x = new CUgraphExec_st{g->nodes};
  graphs++;
  return CUDA_SUCCESS;
}
CUresult cuGraphGetNodes(CUgraph g, CUgraphNode *, size_t *n) { GUARDED_STICKY; *n = g->nodes.size(); return CUDA_SUCCESS; }
CUresult cuGraphDestroy(CUgraph g) { GUARDED; delete g; graphs--; return CUDA_SUCCESS; }
CUresult cuGraphExecDestroy(CUgraphExec x) { GUARDED; drainAll(); delete x; graphs--; return CUDA_SUCCESS; }
CUresult cuGraphLaunch(CUgraphExec x, CUstream stream) {
  GUARDED_STICKY;
  CUstream_st *s = of(stream);
  if (CUresult r = noCapture(s)) return r;
  for (auto &op : x->nodes) s->queue.push_back(op);
  return CUDA_SUCCESS;
}
}

// For the stand-ins of cuBLAS and NCCL.
extern "C" int standin_queue(CUstream stream, void (*run)(void *), void *what) {
  GUARDED_STICKY;
  return enqueue(stream, "a product of cuBLAS", [=] { run(what); return CUDA_SUCCESS; });
}
extern "C" int standin_queue_when(CUstream stream, const char *name, int (*may)(void *), void (*run)(void *), void *what) {
  GUARDED_STICKY;
  if (CUresult r = noCapture(of(stream))) return r;
  return enqueue(stream, name, [=] { run(what); return CUDA_SUCCESS; }, [=] { return may(what) != 0; });
}
extern "C" int standin_inside(uint64_t p, uint64_t n) { GUARDED; return inside(p, n); }
