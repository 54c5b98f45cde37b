// pra_scratch is the calling thread's scratch memory, at least n floats aligned
// to a cache line; its contents last until the thread's next call. It grows and
// is kept until the thread ends, so that no step allocates once it has been done
// before. Where memory is out the process ends with a message: an operation has
// no way to report it.
#pragma once
float *pra_scratch(long n);
