/* The functions of NVIDIA's management library that models/cuda/nvml calls,
   for tests. STANDIN_NVML_CLOCK is the clock in MHz (default 1000, which is
   also the default clock), STANDIN_NVML_OTHERS how many other processes are
   said to compute, STANDIN_NVML_HELD how many MiB the calling process and its
   parent hold, on the second of two GPUs twice as many. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ok = 0, invalid = 2, not_supported = 3, too_small = 7 };
static int number(const char *name, int otherwise) {
    const char *v = getenv(name);
    return v && *v ? atoi(v) : otherwise;
}

int nvmlInit_v2(void) { return ok; }
int nvmlShutdown(void) { return ok; }
const char *nvmlErrorString(int r) { return r == ok ? "Success" : "an error of the stand-in"; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **d) {
    *d = (void *)1;
    return strncmp(uuid, "GPU-", 4) ? invalid : ok;
}
int nvmlDeviceGetCount_v2(unsigned *n) {
    *n = 2;
    return ok;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) {
    *d = (void *)(1 + (size_t)i);
    return i < 2 ? ok : invalid;
}
int nvmlDeviceGetClockInfo(void *d, int type, unsigned *mhz) {
    *mhz = number("STANDIN_NVML_CLOCK", 1000);
    return ok;
}
int nvmlDeviceGetDefaultApplicationsClock(void *d, int type, unsigned *mhz) {
    *mhz = 1000;
    return ok;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *d, unsigned long long *bits) {
    *bits = number("STANDIN_NVML_CLOCK", 1000) < 1000 ? 0x4 : 0;
    return ok;
}
int nvmlDeviceGetTemperature(void *d, int sensor, unsigned *c) {
    *c = 41;
    return ok;
}
int nvmlDeviceGetPowerUsage(void *d, unsigned *mw) {
    *mw = 100000;
    return ok;
}
int nvmlDeviceGetTotalEnergyConsumption(void *d, unsigned long long *mj) { /* 100 W */
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    *mj = 100ull * (t.tv_sec * 1000ull + t.tv_nsec / 1000000);
    return ok;
}
struct process {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu, compute;
};
int nvmlDeviceGetComputeRunningProcesses_v3(void *d, unsigned *n, struct process *p) {
    const unsigned others = number("STANDIN_NVML_OTHERS", 0), room = *n;
    const unsigned long long held = number("STANDIN_NVML_HELD", 0);
    *n = held ? 3 : others;
    if (room < *n) return too_small;
    for (unsigned i = 0; i < *n; i++) memset(&p[i], 0, sizeof p[i]), p[i].pid = 1;
    if (held) {
        p[0].pid = getpid(), p[1].pid = getppid();
        p[0].memory = p[1].memory = (held << 20) * (size_t)d;
        p[2].memory = ~0ull; /* as where the system does not say */
    }
    return ok;
}
