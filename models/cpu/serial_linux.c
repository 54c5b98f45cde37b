// A region with one thread is called, not handed to OpenMP's runtime. GCC compiles
// "#pragma omp parallel if (…)" so that the runtime is asked for a team also where
// the condition is false; making and ending a team of one costs more than most
// operations on one image. The linker sends our calls of GOMP_parallel here
// (--wrap in cpu.go); what shared libraries call stays theirs.
#include <omp.h>

void __real_GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);

void __wrap_GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags) {
    if (threads == 1 && !omp_in_parallel())
        body(data); // outside a team a thread is number 0 of 1, as it is in a team of one
    else
        __real_GOMP_parallel(body, data, threads, flags);
}
