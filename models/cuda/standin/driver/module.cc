// Modules. The driver is handed PTX, as a real one; it takes names, parameters
// and launch bounds from it, refuses what its device would refuse, and runs the
// function of the same name that g++ made from the same source: the images lie
// in the folder kernels/ beside this library, or where STANDIN_IMAGES says.
#include "standin.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <unistd.h>

namespace standin {
int modules;
namespace {
// One kernel as EXPORT of kernels/kcompat.h describes it.
struct Described {
  void (*run)(void **args);
  int threads, args;
  unsigned char sizes[32];
};

std::string folder() {
  if (const char *dir = getenv("STANDIN_IMAGES")) return dir;
  Dl_info info;
  dladdr(reinterpret_cast<void *>(&folder), &info);
  std::string path = info.dli_fname;
  return path.substr(0, path.find_last_of('/') + 1) + "kernels";
}

std::vector<void *> &images() {
  static std::vector<void *> all;
  static bool read;
  if (read) return all;
  read = true;
  const std::string dir = folder();
  if (DIR *d = opendir(dir.c_str())) {
    while (dirent *e = readdir(d)) {
      std::string name = e->d_name;
      if (name.size() < 3 || name.substr(name.size() - 3) != ".so") continue;
      if (void *h = dlopen((dir + "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL)) all.push_back(h);
      else complain("%s", dlerror());
    }
    closedir(d);
  }
  if (all.empty()) complain("there are no kernel images in %s", dir.c_str());
  return all;
}

unsigned bytesOf(const std::string &declaration) {
  if (size_t array = declaration.find('['); array != std::string::npos) return atoi(declaration.c_str() + array + 1);
  for (auto [type, n] : {std::pair{"64", 8u}, {"32", 4u}, {"16", 2u}, {"8", 1u}}) {
    for (const char *kind : {".u", ".s", ".f", ".b"})
      if (declaration.find(std::string(kind) + type + " ") != std::string::npos) return n;
  }
  return 0;
}

struct Module {
  std::map<std::string, Kernel *> kernels;
  ~Module() { for (auto &[name, k] : kernels) delete k; }
};

// parse reads the entries of PTX; the answer is a driver's error, and why.
CUresult parse(const std::string &ptx, Module &m, std::string &log) {
  size_t version = ptx.find(".version "), target = ptx.find(".target sm_");
  if (version == std::string::npos || target == std::string::npos) { log = "not PTX"; return CUDA_ERROR_INVALID_IMAGE; }
  const int capability = number("STANDIN_CAPABILITY", 80), newest = number("STANDIN_PTX", 88);
  int major = 0, minor = 0;
  sscanf(ptx.c_str() + version, ".version %d.%d", &major, &minor);
  const int sm = atoi(ptx.c_str() + target + 11);
  if (major * 10 + minor > newest) { log = "PTX .version is newer than this driver"; return CUDA_ERROR_UNSUPPORTED_PTX_VERSION; }
  if (sm > capability) { log = "PTX .target sm_" + std::to_string(sm) + " is above this device's sm_" + std::to_string(capability); return number("STANDIN_ABOVE", 0) ? CUDA_ERROR_INVALID_PTX : CUDA_ERROR_NO_BINARY_FOR_GPU; }

  std::vector<std::pair<std::string, unsigned>> arrays; // static shared memory of the module
  for (size_t at = 0; (at = ptx.find(".shared ", at)) != std::string::npos; at += 8) {
    const size_t end = ptx.find(';', at), open = ptx.rfind('[', end), name = ptx.find_last_of(" \t", open);
    if (end == std::string::npos || open == std::string::npos || open < at || ptx[open + 1] == ']') continue;
    if (ptx.compare(std::max<size_t>(at, 8) - 8, 8, ".extern ") == 0) continue;
    arrays.push_back({ptx.substr(name + 1, open - name - 1), unsigned(atoi(ptx.c_str() + open + 1))});
  }
  for (size_t at = 0; (at = ptx.find(".entry ", at)) != std::string::npos;) {
    at += 7;
    const size_t open = ptx.find('(', at), close = ptx.find(')', open), body = ptx.find('{', close), end = ptx.find("\n}", body);
    auto *k = new Kernel;
    k->name = ptx.substr(at, open - at);
    k->name.erase(k->name.find_last_not_of(" \t\n") + 1);
    const std::string head = ptx.substr(open, close - open), bounds = ptx.substr(close, body - close), text = ptx.substr(body, end - body);
    for (size_t p = 0; (p = head.find(".param ", p)) != std::string::npos;) {
      const size_t stop = head.find(',', p);
      k->params.push_back(bytesOf(head.substr(p + 6, stop - p - 6)));
      p += 7;
    }
    if (size_t n = bounds.find(".maxntid "); n != std::string::npos) {
      unsigned x = 1, y = 1, z = 1;
      sscanf(bounds.c_str() + n, ".maxntid %u, %u, %u", &x, &y, &z);
      k->maxThreads = x * y * z;
    }
    for (auto &[name, bytes] : arrays)
      if (text.find(name) != std::string::npos) k->staticShared += bytes;
    k->dynamicShared = std::max(0, (48 << 10) - int(k->staticShared));
    const Described *twin = nullptr;
    for (void *image : images())
      if (auto *found = static_cast<const Described *>(dlsym(image, ("kc_kernel_" + k->name).c_str()))) twin = found;
    if (!twin) log = "no image holds a kernel named " + k->name + " (looked in " + folder() + ")";
    else if (std::vector<unsigned>(twin->sizes, twin->sizes + twin->args) != k->params) log = "the PTX and the image of kernel " + k->name + " take different arguments";
    else if (unsigned(twin->threads) != k->maxThreads) log = "the PTX and the image of kernel " + k->name + " have different launch bounds";
    if (!log.empty()) {
      complain("%s", log.c_str());
      delete k;
      return CUDA_ERROR_INVALID_PTX;
    }
    k->run = twin->run;
    m.kernels[k->name] = k;
    at = end;
  }
  if (m.kernels.empty()) { log = "PTX without an entry"; return CUDA_ERROR_INVALID_PTX; }
  return CUDA_SUCCESS;
}

Module *moduleOf(CUmodule m) { return reinterpret_cast<Module *>(m); }
Kernel *kernelOf(CUfunction f) { return reinterpret_cast<Kernel *>(f); }
// resident is how many blocks of any kernel a multiprocessor holds at once.
int resident() { return std::min<long>(number("STANDIN_RESIDENT", 1), mostTogether / multiprocessors); }
int optIn() { return (number("STANDIN_CAPABILITY", 80) >= 80 ? 163 : 96) << 10; }
} // namespace
} // namespace standin

using namespace standin;

extern "C" {
CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned n, CUjit_option *options, void **values) {
  GUARDED_STICKY;
  auto *m = new Module;
  std::string log;
  CUresult r = parse(static_cast<const char *>(image), *m, log);
  usleep(1000 * number("STANDIN_COMPILE_MS", 0)); // as a compiler takes, before it writes
  if (r == CUDA_SUCCESS) log = "stand-in: " + std::to_string(m->kernels.size()) + " kernels from " + folder();
  for (unsigned i = 0; i + 1 < n; i++) {
    const bool wanted = r == CUDA_SUCCESS ? options[i] == CU_JIT_INFO_LOG_BUFFER : options[i] == CU_JIT_ERROR_LOG_BUFFER;
    if (wanted) snprintf(static_cast<char *>(values[i]), reinterpret_cast<size_t>(values[i + 1]), "%s", log.c_str());
  }
  if (r != CUDA_SUCCESS) { delete m; return r; }
  modules++;
  *out = reinterpret_cast<CUmodule>(m);
  return CUDA_SUCCESS;
}
CUresult cuModuleLoadData(CUmodule *out, const void *image) { return cuModuleLoadDataEx(out, image, 0, nullptr, nullptr); }
CUresult cuModuleUnload(CUmodule m) { GUARDED; drainAll(); delete moduleOf(m); modules--; return CUDA_SUCCESS; }
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
  GUARDED_STICKY;
  auto it = moduleOf(m)->kernels.find(name);
  if (it == moduleOf(m)->kernels.end()) return CUDA_ERROR_NOT_FOUND;
  *f = reinterpret_cast<CUfunction>(it->second);
  return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int v) {
  GUARDED_STICKY;
  if (a != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) return CUDA_ERROR_NOT_SUPPORTED;
  if (v < 0 || v + int(kernelOf(f)->staticShared) > optIn()) return CUDA_ERROR_INVALID_VALUE;
  kernelOf(f)->dynamicShared = v;
  return CUDA_SUCCESS;
}
CUresult cuFuncGetAttribute(int *v, CUfunction_attribute a, CUfunction f) {
  GUARDED_STICKY;
  switch (a) {
  case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *v = kernelOf(f)->maxThreads; return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *v = kernelOf(f)->staticShared; return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: *v = kernelOf(f)->dynamicShared; return CUDA_SUCCESS;
  default: return CUDA_ERROR_NOT_SUPPORTED;
  }
}
static CUresult launch(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **args, bool together) {
  Kernel *k = kernelOf(f);
  const uint64_t threads = uint64_t(bx) * by * bz;
  auto refuse = [&](const char *why) { complain("launch of %s with grid (%u,%u,%u), block (%u,%u,%u), %u bytes: %s", k->name.c_str(), gx, gy, gz, bx, by, bz, shared, why); return CUDA_ERROR_INVALID_VALUE; };
  if (!gx || !gy || !gz || gx > 0x7fffffffu || gy > 65535 || gz > 65535) return refuse("no such grid");
  if (!threads || threads > 1024 || bz > 64) return refuse("no such block");
  if (threads > k->maxThreads) return refuse("more threads than its launch bounds");
  if (int(shared) > k->dynamicShared) return refuse("more dynamic shared memory than it may have");
  struct Args { std::vector<uint64_t> values; std::vector<void *> at; };
  auto kept = std::make_shared<Args>();
  size_t words = 0;
  for (unsigned n : k->params) words += (n + 7) / 8;
  kept->values.assign(words, 0xA5A5A5A5A5A5A5A5ull);
  words = 0;
  for (size_t i = 0; i < k->params.size(); i++) {
    memcpy(&kept->values[words], args[i], k->params[i]);
    kept->at.push_back(&kept->values[words]);
    words += (k->params[i] + 7) / 8;
  }
  // A launch copies what it needs of the kernel: the module may be gone by its turn.
  return enqueue(stream, k->name.c_str(), [=] { return runGrid(*k, {gx, gy, gz}, {bx, by, bz}, shared, kept->at.data(), together); });
}
CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **args, void **) {
  GUARDED_STICKY;
  return launch(f, gx, gy, gz, bx, by, bz, shared, stream, args, false);
}
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, CUfunction, int threads, size_t) {
  GUARDED_STICKY;
  *n = std::min(resident(), 2048 / std::max(threads, 1));
  return CUDA_SUCCESS;
}
CUresult cuLaunchCooperativeKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **args) {
  GUARDED_STICKY;
  if (!number("STANDIN_COOPERATIVE", 1)) return CUDA_ERROR_NOT_SUPPORTED;
  if (capturing(stream) && !number("STANDIN_COOPERATIVE_CAPTURE", 1)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED; // an old driver
  const uint64_t blocks = uint64_t(gx) * gy * gz;
  if (blocks > uint64_t(multiprocessors * resident()) || blocks * bx * by * bz > uint64_t(multiprocessors) * 2048) {
    complain("cooperative launch of %s with %llu blocks: they are not all resident", kernelOf(f)->name.c_str(), static_cast<unsigned long long>(blocks));
    return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
  }
  return launch(f, gx, gy, gz, bx, by, bz, shared, stream, args, true);
}
}
