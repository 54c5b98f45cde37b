// Device memory is host memory between pages that nobody may touch. An
// allocation ends at such a page, up to the 15 bytes that its alignment takes,
// which hold a pattern that is looked at after every kernel; it starts as
// 0xFF, and once freed it is gone from the address space.
#include "standin.h"
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace standin {
Lock lock;
void Lock::rest() {
  const int n = depth;
  for (int i = 0; i < n; i++) unlock();
  usleep(100);
  for (int i = 0; i < n; i++) lock();
}
namespace {
constexpr size_t page = 4096;
constexpr unsigned char slack = 0xA5;
std::map<char *, Allocation> device, host;
size_t used, most;
size_t limit() {
  static size_t bytes = number("STANDIN_MEMORY", 2048) << 20;
  return bytes;
}

char *take(std::map<char *, Allocation> &in, size_t n, unsigned char fill) {
  const size_t rounded = (n + 15) & ~size_t(15), body = (rounded + page - 1) & ~(page - 1), mapped = body + 2 * page;
  char *map = static_cast<char *>(mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (map == MAP_FAILED) return nullptr;
  if (mprotect(map + page, body, PROT_READ | PROT_WRITE) != 0) { munmap(map, mapped); return nullptr; }
  char *start = map + page + body - rounded;
  memset(start, fill, n);
  memset(start + n, slack, rounded - n);
  memset(map + page, slack, start - (map + page));
  in[start] = {n, mapped, map, start};
  return start;
}

bool drop(std::map<char *, Allocation> &in, char *p) {
  auto it = in.find(p);
  if (it == in.end()) return false;
  munmap(it->second.map, it->second.mapped);
  in.erase(it);
  return true;
}

bool within(const std::map<char *, Allocation> &in, const void *q, size_t n) {
  char *p = static_cast<char *>(const_cast<void *>(q));
  auto it = in.upper_bound(p);
  if (it == in.begin()) return false;
  --it;
  return p + n <= it->first + it->second.bytes;
}

bool touched(const Allocation &a) {
  const size_t rounded = (a.bytes + 15) & ~size_t(15);
  for (size_t i = a.bytes; i < rounded; i++)
    if (static_cast<unsigned char>(a.start[i]) != slack) return true;
  // In front there may be most of a page; a store that misses is near.
  const char *from = a.start - 64 < a.map + page ? a.map + page : a.start - 64;
  for (const char *p = from; p < a.start; p++)
    if (static_cast<unsigned char>(*p) != slack) return true;
  return false;
}
} // namespace

bool inside(CUdeviceptr p, size_t n) { return within(device, reinterpret_cast<void *>(p), n); }
bool pinned(const void *p, size_t n) { return within(host, p, n); }
size_t held() { return device.size() + host.size(); }

std::string whereabouts(const void *q) {
  char text[160];
  const char *p = static_cast<const char *>(q);
  for (auto *in : {&device, &host})
    for (auto &[start, a] : *in)
      if (p >= a.map && p < a.map + a.mapped) {
        if (p < a.start) snprintf(text, sizeof text, "%td bytes before an allocation of %zu", a.start - p, a.bytes);
        else if (p >= a.start + a.bytes) snprintf(text, sizeof text, "%td bytes past the end of an allocation of %zu", p - a.start - a.bytes, a.bytes);
        else snprintf(text, sizeof text, "byte %td of an allocation of %zu", p - a.start, a.bytes);
        return text;
      }
  snprintf(text, sizeof text, "%p, which is in no allocation", q);
  return text;
}

const char *overrun() {
  static char text[160];
  for (auto &[start, a] : device)
    if (touched(a)) {
      snprintf(text, sizeof text, "outside an allocation of %zu bytes", a.bytes);
      return text;
    }
  return nullptr;
}

std::string leaks() {
  std::string out;
  char text[100];
  for (auto &[start, a] : device) { snprintf(text, sizeof text, "%zu bytes of device memory; ", a.bytes); out += text; }
  for (auto &[start, a] : host) { snprintf(text, sizeof text, "%zu bytes of pinned memory; ", a.bytes); out += text; }
  auto count = [&](int n, const char *what) { if (n > 0) { snprintf(text, sizeof text, "%d %s; ", n, what); out += text; } };
  count(modules, "modules");
  count(streams, "streams");
  count(events, "events");
  count(graphs, "graphs");
  return out;
}

void forgetAll() {
  while (!device.empty()) drop(device, device.begin()->first);
  while (!host.empty()) drop(host, host.begin()->first);
  used = 0;
}
} // namespace standin

using namespace standin;

extern "C" {
CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) {
  GUARDED_STICKY;
  if (n == 0) return CUDA_ERROR_INVALID_VALUE;
  if (n > limit() || used + n > limit()) return CUDA_ERROR_OUT_OF_MEMORY;
  char *q = take(device, n, 0xff);
  if (!q) return CUDA_ERROR_OUT_OF_MEMORY;
  used += n;
  if (used > most) most = used;
  *p = reinterpret_cast<CUdeviceptr>(q);
  return CUDA_SUCCESS;
}
CUresult cuMemFree_v2(CUdeviceptr p) {
  GUARDED;
  if (CUresult r = drainAll()) return r;
  auto it = device.find(reinterpret_cast<char *>(p));
  if (it == device.end()) return CUDA_ERROR_INVALID_VALUE;
  used -= it->second.bytes;
  drop(device, it->first);
  return CUDA_SUCCESS;
}
CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  GUARDED_STICKY;
  *total = limit();
  *free = limit() - used;
  return CUDA_SUCCESS;
}
CUresult cuMemHostAlloc(void **p, size_t n, unsigned) {
  GUARDED_STICKY;
  *p = n ? take(host, n, 0xff) : nullptr;
  return *p ? CUDA_SUCCESS : n ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuMemFreeHost(void *p) {
  GUARDED;
  if (CUresult r = drainAll()) return r;
  return drop(host, static_cast<char *>(p)) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

// Copies. A host address that is not pinned is read at once, as a driver
// stages it; pinned memory is read when the copy's turn comes.
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr d, const void *s, size_t n, CUstream stream) {
  GUARDED_STICKY;
  if (!inside(d, n)) return CUDA_ERROR_INVALID_VALUE;
  void *to = reinterpret_cast<void *>(d);
  if (pinned(s, n)) return enqueue(stream, "copy to the device", [=] { memcpy(to, s, n); return CUDA_SUCCESS; });
  if (capturing(stream)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  std::string kept(static_cast<const char *>(s), n);
  return enqueue(stream, "copy to the device", [=] { memcpy(to, kept.data(), n); return CUDA_SUCCESS; });
}
CUresult cuMemcpyDtoHAsync_v2(void *d, CUdeviceptr s, size_t n, CUstream stream) {
  GUARDED_STICKY;
  if (!inside(s, n)) return CUDA_ERROR_INVALID_VALUE;
  const void *from = reinterpret_cast<void *>(s);
  CUresult r = enqueue(stream, "copy to the host", [=] { memcpy(d, from, n); return CUDA_SUCCESS; });
  if (r == CUDA_SUCCESS && !pinned(d, n)) return cuStreamSynchronize(stream);
  return r;
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr d, CUdeviceptr s, size_t n, CUstream stream) {
  GUARDED_STICKY;
  if (!inside(d, n) || !inside(s, n)) return CUDA_ERROR_INVALID_VALUE;
  return enqueue(stream, "copy on the device", [=] { memcpy(reinterpret_cast<void *>(d), reinterpret_cast<void *>(s), n); return CUDA_SUCCESS; });
}
CUresult cuMemcpyHtoD_v2(CUdeviceptr d, const void *s, size_t n) {
  GUARDED;
  if (CUresult r = drainForHost()) return r;
  if (!inside(d, n)) return CUDA_ERROR_INVALID_VALUE;
  memcpy(reinterpret_cast<void *>(d), s, n);
  return CUDA_SUCCESS;
}
CUresult cuMemcpyDtoH_v2(void *d, CUdeviceptr s, size_t n) {
  GUARDED;
  if (CUresult r = drainForHost()) return r;
  if (!inside(s, n)) return CUDA_ERROR_INVALID_VALUE;
  memcpy(d, reinterpret_cast<void *>(s), n);
  return CUDA_SUCCESS;
}
CUresult cuMemcpyDtoD_v2(CUdeviceptr d, CUdeviceptr s, size_t n) {
  GUARDED;
  if (CUresult r = drainForHost()) return r;
  if (!inside(d, n) || !inside(s, n)) return CUDA_ERROR_INVALID_VALUE;
  memcpy(reinterpret_cast<void *>(d), reinterpret_cast<void *>(s), n);
  return CUDA_SUCCESS;
}
CUresult cuMemsetD32Async(CUdeviceptr d, unsigned v, size_t n, CUstream stream) {
  GUARDED_STICKY;
  if (d % 4 || !inside(d, 4 * n)) return CUDA_ERROR_INVALID_VALUE;
  return enqueue(stream, "fill", [=] {
    auto *p = reinterpret_cast<unsigned *>(d);
    for (size_t i = 0; i < n; i++) p[i] = v;
    return CUDA_SUCCESS;
  });
}
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *c, CUstream stream) {
  GUARDED_STICKY;
  const CUDA_MEMCPY2D p = *c;
  if (p.srcMemoryType != CU_MEMORYTYPE_DEVICE || p.dstMemoryType != CU_MEMORYTYPE_DEVICE || p.Height == 0 || p.WidthInBytes == 0) return CUDA_ERROR_NOT_SUPPORTED;
  const CUdeviceptr to = p.dstDevice + p.dstXInBytes + p.dstY * p.dstPitch, from = p.srcDevice + p.srcXInBytes + p.srcY * p.srcPitch;
  if (p.dstPitch < p.WidthInBytes || p.srcPitch < p.WidthInBytes || !inside(to, (p.Height - 1) * p.dstPitch + p.WidthInBytes) || !inside(from, (p.Height - 1) * p.srcPitch + p.WidthInBytes))
    return CUDA_ERROR_INVALID_VALUE;
  return enqueue(stream, "copy of rows", [=] {
    for (size_t r = 0; r < p.Height; r++) memcpy(reinterpret_cast<void *>(to + r * p.dstPitch), reinterpret_cast<void *>(from + r * p.srcPitch), p.WidthInBytes);
    return CUDA_SUCCESS;
  });
}
}
