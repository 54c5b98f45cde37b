// Two threads that slept may wake on one processor while another is idle, and a
// system can leave them there for a whole run: every operation then takes
// nearly twice as long.
#define _GNU_SOURCE
#include "affinity.h"
#ifdef __linux__
#include <omp.h>
#include <pthread.h>
#include <sched.h>

static cpu_set_t all; // what the process started with
static int count;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void look(void) { count = sched_getaffinity(0, sizeof all, &all) == 0 ? CPU_COUNT(&all) : 0; }

void pra_pin(int first, int threads, int of, int on) {
    pthread_once(&once, look);
    if (of < 2 || of != count) return;
#pragma omp parallel num_threads(threads)
    {
        cpu_set_t own = all;
        if (on) {
            int t = first + omp_get_thread_num(), cpu = 0;
            while (!CPU_ISSET(cpu, &all) || t-- > 0) cpu++;
            CPU_ZERO(&own);
            CPU_SET(cpu, &own);
        }
        sched_setaffinity(0, sizeof own, &own); // a wish: nothing depends on it
    }
}
#else
void pra_pin(int first, int threads, int of, int on) { (void)first, (void)threads, (void)of, (void)on; }
#endif
