#pragma once
int prabench_onednn_open(const char *soname);
void prabench_onednn_version(int v[3]);
int prabench_onednn_sgemm(int threads, char ta, char tb, long m, long n, long k, float alpha, const float *a, long lda,
                          const float *b, long ldb, float beta, float *c, long ldc);
