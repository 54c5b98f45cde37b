//go:build cuda

// Libraries that are loaded while the program runs.
#define _GNU_SOURCE
#include "queue.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *pra_open_library(const char *path, const pra_symbol *wanted, size_t n, char *text, size_t room) {
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        snprintf(text, room, "%s", dlerror());
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        void *f = dlsym(lib, wanted[i].name);
        if (!f) {
            snprintf(text, room, "%s has no %s", path, wanted[i].name);
            dlclose(lib);
            return NULL;
        }
        memcpy(wanted[i].at, &f, sizeof f);
    }
    return lib;
}

const char *pra_file_of(void *function) {
    Dl_info info;
    return dladdr(function, &info) && info.dli_fname ? info.dli_fname : "";
}
