/* A disk without space: while the file $EARNEST_FULL_DISK exists, nothing can be written below the folder
 * $EARNEST_FULL_DISK_BELOW. As on a real one, a large write is cut short before the next fails. Preloaded into a node
 * (LD_PRELOAD), whose SQLite calls these functions of the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* The least that is cut short instead of refused. */
#define HALVED 512

static int is_full(int fd) {
    const char *flag = getenv("EARNEST_FULL_DISK");
    const char *below = getenv("EARNEST_FULL_DISK_BELOW");
    if (!flag || !below || access(flag, F_OK) != 0) {
        return 0;
    }
    char link[64];
    char path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = 0;
    return strncmp(path, below, strlen(below)) == 0;
}

static ssize_t refuse(void) {
    errno = ENOSPC;
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) {
        real = dlsym(RTLD_NEXT, "write");
    }
    if (!is_full(fd)) {
        return real(fd, bytes, count);
    }
    return count > HALVED ? real(fd, bytes, count / 2) : refuse();
}

static ssize_t write_at(const char *name, int fd, const void *bytes, size_t count, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, name);
    if (!is_full(fd)) {
        return real(fd, bytes, count, at);
    }
    return count > HALVED ? real(fd, bytes, count / 2, at) : refuse();
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return write_at("pwrite", fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    return write_at("pwrite64", fd, bytes, count, at);
}

int fallocate64(int fd, int mode, off64_t at, off64_t length) {
    int (*real)(int, int, off64_t, off64_t) = dlsym(RTLD_NEXT, "fallocate64");
    return is_full(fd) ? (int)refuse() : real(fd, mode, at, length);
}
