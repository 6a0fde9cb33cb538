/* Makes chosen file calls fail, or kills the process at one: preloaded with LD_PRELOAD, told by the environment.

   FAULT_PATHS   parts of paths, with colons: calls on a path that holds one of them are counted
   FAULT_CALLS   of open write sync truncate rename unlink mkdir read, with commas
   FAULT_ERROR   an errno; short: half is written and said so; kill: SIGKILL; tear: half is written, then SIGKILL
   FAULT_AFTER   so many calls pass, or -1: all, until fault_arm() is called
   FAULT_TIMES   so many calls fail then, or 0: all that follow
   FAULT_SHARE   of calls that fail then, in thousandths (1000: each), by FAULT_SEED
   FAULT_LOG     where a line is added for each call that fails */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { SHORT = -1, KILL = -2, TEAR = -3 };
static const char *paths = "", *calls = "";
static long after = -1, times = 1, share = 1000;
static int error;
static unsigned int seed;
static atomic_long passed, failed;

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("FAULT_ERROR");
    paths = getenv("FAULT_PATHS") ? getenv("FAULT_PATHS") : "";
    calls = getenv("FAULT_CALLS") ? getenv("FAULT_CALLS") : "";
    after = number("FAULT_AFTER", -1), times = number("FAULT_TIMES", 1);
    share = number("FAULT_SHARE", 1000), seed = (unsigned int)number("FAULT_SEED", 1);
    if (!text) return;
    error = !strcmp(text, "short") ? SHORT : !strcmp(text, "kill") ? KILL : !strcmp(text, "tear") ? TEAR : atoi(text);
}

/* How many calls there were. */
long fault_calls(void) {
    return atomic_load(&passed);
}

/* From now on so many calls pass. */
void fault_arm(long calls_to_pass) {
    atomic_store(&passed, 0);
    after = calls_to_pass;
}

static int holds(const char *list, const char *separators, const char *text, int whole) {
    char copy[PATH_MAX], *rest = copy, *part;
    snprintf(copy, sizeof copy, "%s", list);
    while ((part = strsep(&rest, separators)))
        if (*part && (whole ? !strcmp(part, text) : strstr(text, part) != NULL)) return 1;
    return 0;
}

static void note(const char *call, const char *path) {
    char line[PATH_MAX + 32];
    const char *name = getenv("FAULT_LOG");
    int file = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_APPEND | O_CREAT, 0644) : -1;
    if (file < 0) return;
    int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    if (syscall(SYS_write, file, line, length) < 0) abort();
    syscall(SYS_close, file);
}

/* Return 0 where the call is to pass, or what is to come of it: an errno, SHORT, TEAR. */
static int verdict(const char *call, const char *path) {
    if (!*paths || !holds(calls, ",", call, 1) || !holds(paths, ":", path, 0)) return 0;
    long seen = atomic_fetch_add(&passed, 1);
    if (after < 0 || seen < after) return 0;
    if (share < 1000 && rand_r(&seed) % 1000 >= share) return 0;
    if (times && atomic_fetch_add(&failed, 1) >= times) return 0;
    int saved = errno;
    note(call, path);
    if (error == KILL || (error == TEAR && strcmp(call, "write"))) kill(getpid(), SIGKILL);
    errno = error > 0 ? error : saved;
    return error;
}

static const char *at(int folder, const char *name, char *out) {
    char link[64];
    ssize_t length = 0;
    if (name && (*name == '/' || folder == AT_FDCWD)) return name;
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    length = readlink(link, out, PATH_MAX - 1);
    out[length < 0 ? 0 : length] = 0;
    if (name) { strncat(out, "/", PATH_MAX - strlen(out) - 1); strncat(out, name, PATH_MAX - strlen(out) - 1); }
    return out;
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define FAILS(call, folder, path) char room[PATH_MAX]; int said = verdict(call, at(folder, path, room))
#define PLAIN(name, call, folder, path, parameters, arguments) \
    int name parameters { REAL(name); FAILS(call, folder, path); return said > 0 ? -1 : real arguments; }
#define WRITES(name, parameters, arguments, half) \
    ssize_t name parameters { \
        REAL(name); FAILS("write", fd, NULL); \
        if (said > 0) return -1; \
        if (!said || (said == SHORT && size < 2)) return real arguments; \
        ssize_t done = real half; \
        if (said == TEAR) kill(getpid(), SIGKILL); \
        return done; }
#define OPENS(name, folder, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        va_list more; va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        int writes = (flags & O_ACCMODE) != O_RDONLY; \
        char room[PATH_MAX]; \
        return writes && verdict("open", at(folder, path, room)) > 0 ? -1 : real arguments; }

OPENS(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPENS(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPENS(openat, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPENS(openat64, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
WRITES(write, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, size / 2))
WRITES(pwrite, (int fd, const void *data, size_t size, off_t o), (fd, data, size, o), (fd, data, size / 2, o))
WRITES(pwrite64, (int fd, const void *data, size_t size, off64_t o), (fd, data, size, o), (fd, data, size / 2, o))
PLAIN(fsync, "sync", fd, NULL, (int fd), (fd))
PLAIN(fdatasync, "sync", fd, NULL, (int fd), (fd))
PLAIN(ftruncate, "truncate", fd, NULL, (int fd, off_t size), (fd, size))
PLAIN(ftruncate64, "truncate", fd, NULL, (int fd, off64_t size), (fd, size))
PLAIN(rename, "rename", AT_FDCWD, to, (const char *from, const char *to), (from, to))
PLAIN(renameat, "rename", b, to, (int a, const char *from, int b, const char *to), (a, from, b, to))
PLAIN(unlink, "unlink", AT_FDCWD, path, (const char *path), (path))
PLAIN(unlinkat, "unlink", folder, path, (int folder, const char *path, int flags), (folder, path, flags))
PLAIN(mkdir, "mkdir", AT_FDCWD, path, (const char *path, mode_t mode), (path, mode))
ssize_t read(int fd, void *data, size_t size) { REAL(read); FAILS("read", fd, NULL); return said > 0 ? -1 : real(fd, data, size); }
ssize_t pread(int fd, void *data, size_t size, off_t o) { REAL(pread); FAILS("read", fd, NULL); return said > 0 ? -1 : real(fd, data, size, o); }
ssize_t pread64(int fd, void *data, size_t size, off64_t o) { REAL(pread64); FAILS("read", fd, NULL); return said > 0 ? -1 : real(fd, data, size, o); }
