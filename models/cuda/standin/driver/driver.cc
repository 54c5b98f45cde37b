// The device, its context, and what belongs to neither.
#include "standin.h"
#include <cstdarg>
#include <cstdlib>
#include <cstring>

struct CUctx_st { int device; };

namespace standin {
uint32_t draw() {
  static uint64_t s = 0x9E3779B97F4A7C15ull * (uint64_t(number("STANDIN_SEED", 1)) + 1);
  s ^= s << 13; s ^= s >> 7; s ^= s << 17;
  return uint32_t(s >> 32);
}
long number(const char *name, long otherwise) {
  const char *v = getenv(name);
  return v && *v ? atol(v) : otherwise;
}
void complain(const char *format, ...) {
  char text[600];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(stderr, "stand-in: %s\n", text);
}
namespace {
constexpr int mostDevices = 8;
CUctx_st primary[mostDevices];
int retained[mostDevices];
thread_local CUcontext now;

// visible are the devices of CUDA_VISIBLE_DEVICES, by number or UUID.
int visible(int at) {
  const int n = number("STANDIN_DEVICES", 1);
  const char *list = getenv("CUDA_VISIBLE_DEVICES");
  if (!list) return at < n ? at : -1;
  std::string s(list);
  for (size_t from = 0; from <= s.size();) {
    size_t to = s.find(',', from);
    if (to == std::string::npos) to = s.size();
    std::string one = s.substr(from, to - from);
    int d = -1;
    if (one.compare(0, 4, "GPU-") == 0) d = one.size() > 4 ? one[5] - '0' : -1; // GPU-0D000000-… as cuDeviceGetUuid makes them
    else if (!one.empty()) d = atoi(one.c_str());
    if (d < 0 || d >= n) return -1;
    if (at-- == 0) return d;
    from = to + 1;
  }
  return -1;
}
} // namespace
} // namespace standin

using namespace standin;

extern "C" {
CUresult cuInit(unsigned) { return visible(0) < 0 ? CUDA_ERROR_NO_DEVICE : CUDA_SUCCESS; }
CUresult cuDriverGetVersion(int *v) { *v = 12060; return CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *n) { for (*n = 0; visible(*n) >= 0;) ++*n; return CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *d, int at) { *d = visible(at); return at < 0 || *d < 0 ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS; }
CUresult cuDeviceGetName(char *name, int n, CUdevice) { snprintf(name, n, "CPU stand-in"); return CUDA_SUCCESS; }
CUresult cuDeviceGetUuid(CUuuid *u, CUdevice d) { memset(u, 0, sizeof *u); u->bytes[0] = char(d); u->bytes[15] = 1; return CUDA_SUCCESS; }
CUresult cuDeviceGetUuid_v2(CUuuid *u, CUdevice d) { return cuDeviceGetUuid(u, d); }
CUresult cuDeviceTotalMem_v2(size_t *n, CUdevice) { *n = size_t(number("STANDIN_MEMORY", 2048)) << 20; return CUDA_SUCCESS; }
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice) {
  const int capability = number("STANDIN_CAPABILITY", 80);
  switch (a) {
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *v = capability / 10; break;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *v = capability % 10; break;
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE: *v = 32; break;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *v = multiprocessors; break;
  case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH: *v = number("STANDIN_COOPERATIVE", 1); break;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK: *v = 48 << 10; break;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: *v = (capability >= 80 ? 163 : 96) << 10; break;
  case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: *v = 1000000; break;
  default: *v = 1024;
  }
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) {
  GUARDED;
  if (d < 0 || d >= mostDevices) return CUDA_ERROR_INVALID_DEVICE;
  primary[d].device = d;
  retained[d]++;
  *c = &primary[d];
  return CUDA_SUCCESS;
}
// The last release tells what was never given back. With STANDIN_LEAKS=1 it
// also fails, which a driver would not do.
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice d) {
  GUARDED;
  if (d < 0 || d >= mostDevices || retained[d] == 0) return CUDA_ERROR_INVALID_CONTEXT;
  if (--retained[d] > 0) return CUDA_SUCCESS;
  for (int n : retained) if (n) return CUDA_SUCCESS;
  if (sticky == CUDA_SUCCESS) drainAll();
  const bool clean = sticky == CUDA_SUCCESS; // an error of work stays: the process must be begun again
  const std::string left = leaks();
  if (left.empty()) return CUDA_SUCCESS;
  if (clean) complain("never given back: %s", left.c_str());
  forgetAll();
  return clean && number("STANDIN_LEAKS", 0) ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned) { return CUDA_SUCCESS; }
CUresult cuCtxSetCurrent(CUcontext c) { now = c; return CUDA_SUCCESS; }
CUresult cuCtxGetCurrent(CUcontext *c) { *c = now; return CUDA_SUCCESS; }
CUresult cuCtxGetDevice(CUdevice *d) { if (!now) return CUDA_ERROR_INVALID_CONTEXT; *d = now->device; return CUDA_SUCCESS; }
int standin_current() { return now != nullptr; }

CUresult cuGetErrorString(CUresult r, const char **s) {
  switch (r) {
  case CUDA_SUCCESS: *s = "no error"; break;
  case CUDA_ERROR_INVALID_VALUE: *s = "invalid argument"; break;
  case CUDA_ERROR_OUT_OF_MEMORY: *s = "out of memory"; break;
  case CUDA_ERROR_INVALID_CONTEXT: *s = "invalid device context"; break;
  case CUDA_ERROR_ILLEGAL_ADDRESS: *s = "an illegal memory access was encountered"; break;
  case CUDA_ERROR_LAUNCH_FAILED: *s = "unspecified launch failure"; break;
  case CUDA_ERROR_LAUNCH_TIMEOUT: *s = "the launch timed out and was terminated"; break;
  case CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE: *s = "too many blocks in cooperative launch"; break;
  case CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED: *s = "operation not permitted when stream is capturing"; break;
  default: *s = "an error of the stand-in without words";
  }
  return CUDA_SUCCESS;
}
CUresult cuGetErrorName(CUresult r, const char **s) {
  static char name[40];
  snprintf(name, sizeof name, "CUDA_ERROR_%d", r);
  *s = name;
  return CUDA_SUCCESS;
}
}
