// The few functions of cuBLAS that models/cuda calls, on the stand-in driver:
// they check what they are given, queue the product and answer as cuBLAS does.
// STANDIN_CUBLAS_CAPTURE=0: one that refuses to be recorded in a graph.
#include <cuda.h>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

extern "C" {
int standin_queue(CUstream stream, void (*run)(void *), void *what);
int standin_inside(uint64_t p, uint64_t n);
}

namespace {
enum { ok = 0, notInitialized = 1, invalid = 7, failed = 13, internal = 14, unsupported = 15 };
struct Handle { CUstream stream = nullptr; };
struct Product {
  int ta, tb, m, n, k, lda, ldb, ldc;
  float alpha, beta;
  const void *a, *b; // float, or with half 16-bit halves of one
  float *c;
  bool bf16, half;
};

float rounded(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  if ((u & 0x7f800000) != 0x7f800000) u += 0x7fff + (u >> 16 & 1);
  u &= 0xffff0000;
  memcpy(&f, &u, 4);
  return f;
}

float value(const void *at, size_t i, bool half) {
  if (!half) return static_cast<const float *>(at)[i];
  uint32_t u = uint32_t(static_cast<const uint16_t *>(at)[i]) << 16;
  float f;
  memcpy(&f, &u, 4);
  return f;
}

// Column-major, as in cuBLAS.
void multiply(const Product &p) {
  std::vector<float> a(size_t(p.m) * p.k); // op(A), column after column
  for (int l = 0; l < p.k; l++)
    for (int i = 0; i < p.m; i++) {
      float v = value(p.a, p.ta ? size_t(i) * p.lda + l : size_t(l) * p.lda + i, p.half);
      a[size_t(l) * p.m + i] = p.bf16 ? rounded(v) : v;
    }
  std::vector<float> sum(p.m);
  for (int j = 0; j < p.n; j++) {
    std::fill(sum.begin(), sum.end(), 0.f);
    for (int l = 0; l < p.k; l++) {
      float v = value(p.b, p.tb ? size_t(l) * p.ldb + j : size_t(j) * p.ldb + l, p.half);
      if (p.bf16) v = rounded(v);
      const float *column = &a[size_t(l) * p.m];
      for (int i = 0; i < p.m; i++) sum[i] += column[i] * v;
    }
    float *c = p.c + size_t(j) * p.ldc;
    for (int i = 0; i < p.m; i++) c[i] = p.alpha * sum[i] + (p.beta == 0 ? 0 : p.beta * c[i]);
  }
}

void run(void *what) { multiply(*static_cast<Product *>(what)); }

int queue(void *handle, Product p) {
  auto *h = static_cast<Handle *>(handle);
  if (!h) return notInitialized;
  if (p.m < 0 || p.n < 0 || p.k < 0 || p.ta < 0 || p.ta > 1 || p.tb < 0 || p.tb > 1) return invalid;
  if (p.lda < (p.ta ? p.k : p.m) || p.ldb < (p.tb ? p.n : p.k) || p.ldc < p.m || p.lda < 1 || p.ldb < 1 || p.ldc < 1) return invalid;
  if (p.m == 0 || p.n == 0) return ok;
  auto inside = [](const void *at, int rows, int columns, int ld, int size = 4) {
    return rows == 0 || columns == 0 || standin_inside(reinterpret_cast<uint64_t>(at), size * (uint64_t(columns - 1) * ld + rows));
  };
  const int each = p.half ? 2 : 4;
  if (!inside(p.a, p.ta ? p.k : p.m, p.ta ? p.m : p.k, p.lda, each) || !inside(p.b, p.tb ? p.n : p.k, p.tb ? p.k : p.n, p.ldb, each) || !inside(p.c, p.m, p.n, p.ldc)) return failed;
  CUstreamCaptureStatus recording = CU_STREAM_CAPTURE_STATUS_NONE;
  const char *may = getenv("STANDIN_CUBLAS_CAPTURE");
  if (may && *may == '0' && cuStreamIsCapturing(h->stream, &recording) == 0 && recording != CU_STREAM_CAPTURE_STATUS_NONE) return internal;
  // A graph may run it again: the product is never freed.
  return standin_queue(h->stream, run, new Product(p)) ? failed : ok;
}
} // namespace

extern "C" {
int cublasCreate_v2(void **h) { *h = new Handle; return ok; }
int cublasDestroy_v2(void *h) { delete static_cast<Handle *>(h); return ok; }
int cublasGetVersion_v2(void *, int *v) { *v = 120600; return ok; }
int cublasSetStream_v2(void *h, CUstream s) { static_cast<Handle *>(h)->stream = s; return ok; }
int cublasSetWorkspace_v2(void *, void *p, size_t n) { return standin_inside(reinterpret_cast<uint64_t>(p), n) && reinterpret_cast<uint64_t>(p) % 16 == 0 ? ok : invalid; }
int cublasSetMathMode(void *, int mode) { return mode == 0 ? ok : unsupported; }
int cublasSgemm_v2(void *h, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda, const float *b, int ldb, const float *beta, float *c, int ldc) {
  return queue(h, {ta, tb, m, n, k, lda, ldb, ldc, *alpha, *beta, a, b, c, false, false});
}
int cublasGemmEx(void *h, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int at, int lda, const void *b, int bt, int ldb, const void *beta, void *c, int ct, int ldc, int compute, int) {
  const bool half = at == 14 && bt == 14;
  if ((!half && (at != 0 || bt != 0)) || ct != 0 || (compute != 68 && (compute != 75 || half))) return unsupported;
  return queue(h, {ta, tb, m, n, k, lda, ldb, ldc, *static_cast<const float *>(alpha), *static_cast<const float *>(beta),
                   a, b, static_cast<float *>(c), compute == 75, half});
}
}
