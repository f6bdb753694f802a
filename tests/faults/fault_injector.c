// Makes calls of a program fail, one after the other: a library that check_faults.py has preloaded
// (LD_PRELOAD), so that all that reads and writes is met: our own code, GDAL, libtiff, HDF5,
// SQLite.
//
//   CUBE_FAULT=CALLS|WHERE|WHEN|WHAT
//     CALLS  kinds of calls, separated by commas: open (for reading), create (for writing), read,
//            write, sync, rename, truncate, close, mkdir, remove, alloc; a kind may be narrowed to
//            one call: write.fwrite
//     WHERE  a part of the file's name; of alloc: the fewest bytes. Empty: any
//     WHEN   k: the k-th such call, from 1; k+: that and all that follow. 0: none, only counts
//     WHAT   EIO, ENOSPC, ...: the call fails; of close: the file is closed all the same
//            short: half of the bytes are read or written; end: nothing is read, as at a file's end
//            sleep=MILLISECONDS; kill=SIGNAL (a number): then the call is made
//   CUBE_FAULT_LOG=FILE: a line "CALL NAME" for each such call.
//
// What glibc does within itself is not met: of streams (FILE) it is the calls of the stream.
// Thread rule: any thread; calls are counted in the order in which they come.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// What an injected call does.
enum { PASS, FAIL, SHORT, END };

enum { MOST_FILES = 65536, MOST_TEXT = 512 };

static char calls[MOST_TEXT];  // ",write,sync,"
static char where[MOST_TEXT];
static size_t fewest_bytes;
static long when;
static int and_after;
static int what = PASS;
static int error_number;
static long sleep_ms;
static int signal_number;
static int log_file = -1;
static atomic_long count;
static char *names[MOST_FILES];  // of open files

static const struct {
  const char *name;
  int number;
} kErrors[] = {{"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EIO", EIO},       {"EACCES", EACCES},
               {"EROFS", EROFS},   {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"ENOENT", ENOENT},
               {"EINTR", EINTR},   {"EFBIG", EFBIG},   {"ESTALE", ESTALE}};

static void read_action(const char *text) {
  if (strcmp(text, "short") == 0) what = SHORT;
  if (strcmp(text, "end") == 0) what = END;
  if (strncmp(text, "sleep=", 6) == 0) sleep_ms = atol(text + 6);
  if (strncmp(text, "kill=", 5) == 0) signal_number = atoi(text + 5);
  for (size_t i = 0; i < sizeof kErrors / sizeof kErrors[0]; ++i) {
    if (strcmp(text, kErrors[i].name) != 0) continue;
    what = FAIL;
    error_number = kErrors[i].number;
  }
}

__attribute__((constructor)) static void begin(void) {
  const char *log_name = getenv("CUBE_FAULT_LOG");
  if (log_name) {
    log_file = (int)syscall(SYS_openat, AT_FDCWD, log_name,
                            O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  }
  const char *fault = getenv("CUBE_FAULT");
  char text[MOST_TEXT];
  if (!fault || strlen(fault) >= sizeof text) return;
  strcpy(text, fault);
  char *parts[4] = {text, NULL, NULL, NULL};
  for (int i = 1; i < 4; ++i) {
    parts[i] = strchr(parts[i - 1], '|');
    if (!parts[i]) return;
    *parts[i]++ = '\0';
  }
  strcpy(where, parts[1]);
  fewest_bytes = strtoull(where, NULL, 10);
  when = atol(parts[2]);
  and_after = strchr(parts[2], '+') != NULL;
  read_action(parts[3]);
  // What the program starts is left alone.
  unsetenv("LD_PRELOAD");
  snprintf(calls, sizeof calls, ",%s,", parts[0]);
}

static int listed(const char *entry) {
  const size_t length = strlen(entry);
  for (const char *at = calls; (at = strstr(at, entry)) != NULL; ++at) {
    if (at > calls && at[-1] == ',' && at[length] == ',') return 1;
  }
  return 0;
}

static int is_met(const char *kind, const char *call) {
  if (calls[0] == '\0') return 0;
  char narrow[64];
  snprintf(narrow, sizeof narrow, "%s.%s", kind, call);
  return listed(kind) || listed(narrow);
}

// Says what becomes of a call that is met.
static int meet(const char *call, const char *name) {
  const long number = atomic_fetch_add(&count, 1) + 1;
  if (log_file >= 0) {
    char line[2 * MOST_TEXT];
    const int length = snprintf(line, sizeof line, "%s %s\n", call, name);
    syscall(SYS_write, log_file, line, length < (int)sizeof line ? length : (int)sizeof line);
  }
  if (when == 0 || number < when || (number > when && !and_after)) return PASS;
  if (sleep_ms > 0) {
    struct timespec left = {sleep_ms / 1000, sleep_ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
  }
  if (signal_number > 0) kill(getpid(), signal_number);
  if (what == FAIL) errno = error_number;
  return what;
}

static int at_name(const char *kind, const char *call, const char *name) {
  if (!is_met(kind, call) || !name || !strstr(name, where)) return PASS;
  return meet(call, name);
}

static int at_file(const char *kind, const char *call, int file) {
  if (file < 0 || file >= MOST_FILES || !names[file]) return PASS;
  return at_name(kind, call, names[file]);
}

static void name_file(int file, const char *name) {
  if (file < 0 || file >= MOST_FILES || calls[0] == '\0') return;
  free(names[file]);
  names[file] = name ? strdup(name) : NULL;
}

#define REAL(result, name, ...)       \
  static result (*real)(__VA_ARGS__); \
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

static const char *kind_of_open(int flags) {
  const int access = flags & O_ACCMODE;
  return access == O_RDONLY && !(flags & O_CREAT) ? "open" : "create";
}

#define DEFINE_OPEN(name)                                              \
  int name(const char *path, int flags, ...) {                         \
    REAL(int, name, const char *, int, ...);                           \
    va_list more;                                                      \
    va_start(more, flags);                                             \
    const mode_t mode = va_arg(more, mode_t);                          \
    va_end(more);                                                      \
    if (at_name(kind_of_open(flags), "open", path) == FAIL) return -1; \
    const int file = real(path, flags, mode);                          \
    name_file(file, path);                                             \
    return file;                                                       \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                            \
  int name(int folder, const char *path, int flags, ...) {             \
    REAL(int, name, int, const char *, int, ...);                      \
    va_list more;                                                      \
    va_start(more, flags);                                             \
    const mode_t mode = va_arg(more, mode_t);                          \
    va_end(more);                                                      \
    if (at_name(kind_of_open(flags), "open", path) == FAIL) return -1; \
    const int file = real(folder, path, flags, mode);                  \
    name_file(file, path);                                             \
    return file;                                                       \
  }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

#define DEFINE_FOPEN(name)                                           \
  FILE *name(const char *path, const char *mode) {                   \
    REAL(FILE *, name, const char *, const char *);                  \
    const int reads = mode[0] == 'r' && !strchr(mode, '+');          \
    if (at_name(reads ? "open" : "create", "fopen", path) == FAIL) { \
      return NULL;                                                   \
    }                                                                \
    FILE *stream = real(path, mode);                                 \
    if (stream) name_file(fileno(stream), path);                     \
    return stream;                                                   \
  }
DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)

int close(int file) {
  REAL(int, close, int);
  const int outcome = at_file("close", "close", file);
  const int status = real(file);
  name_file(file, NULL);
  if (outcome != FAIL) return status;
  errno = error_number;
  return -1;
}

int fclose(FILE *stream) {
  REAL(int, fclose, FILE *);
  const int file = fileno(stream);
  const int outcome = at_file("close", "fclose", file);
  const int status = real(stream);
  name_file(file, NULL);
  if (outcome != FAIL) return status;
  errno = error_number;
  return EOF;
}

int dup3(int from, int to, int flags) {
  REAL(int, dup3, int, int, int);
  const int file = real(from, to, flags);
  if (file >= 0) name_file(file, from < MOST_FILES ? names[from] : NULL);
  return file;
}

#define DEFINE_TRANSFER(name, kind, buffer)                             \
  ssize_t name(int file, buffer bytes, size_t size) {                   \
    REAL(ssize_t, name, int, buffer, size_t);                           \
    const int outcome = at_file(kind, #name, file);                     \
    if (outcome == FAIL) return -1;                                     \
    if (outcome == END) return 0;                                       \
    return real(file, bytes, outcome == SHORT ? (size + 1) / 2 : size); \
  }
DEFINE_TRANSFER(read, "read", void *)
DEFINE_TRANSFER(write, "write", const void *)

#define DEFINE_PLACED(name, kind, buffer, offset)                           \
  ssize_t name(int file, buffer bytes, size_t size, offset at) {            \
    REAL(ssize_t, name, int, buffer, size_t, offset);                       \
    const int outcome = at_file(kind, #name, file);                         \
    if (outcome == FAIL) return -1;                                         \
    if (outcome == END) return 0;                                           \
    return real(file, bytes, outcome == SHORT ? (size + 1) / 2 : size, at); \
  }
DEFINE_PLACED(pread, "read", void *, off_t)
DEFINE_PLACED(pread64, "read", void *, off64_t)
DEFINE_PLACED(pwrite, "write", const void *, off_t)
DEFINE_PLACED(pwrite64, "write", const void *, off64_t)

ssize_t writev(int file, const struct iovec *pieces, int n) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  const int outcome = at_file("write", "writev", file);
  if (outcome == FAIL) return -1;
  if (outcome == SHORT && n > 0) {
    const struct iovec half = {pieces[0].iov_base, (pieces[0].iov_len + 1) / 2};
    return real(file, &half, 1);
  }
  return real(file, pieces, n);
}

ssize_t readv(int file, const struct iovec *pieces, int n) {
  REAL(ssize_t, readv, int, const struct iovec *, int);
  const int outcome = at_file("read", "readv", file);
  if (outcome == FAIL) return -1;
  return outcome == END ? 0 : real(file, pieces, n);
}

size_t fread(void *bytes, size_t size, size_t n, FILE *stream) {
  REAL(size_t, fread, void *, size_t, size_t, FILE *);
  const int outcome = at_file("read", "fread", fileno(stream));
  if (outcome == FAIL || outcome == END) return 0;
  return real(bytes, size, outcome == SHORT ? n / 2 : n, stream);
}

size_t fwrite(const void *bytes, size_t size, size_t n, FILE *stream) {
  REAL(size_t, fwrite, const void *, size_t, size_t, FILE *);
  const int outcome = at_file("write", "fwrite", fileno(stream));
  if (outcome == FAIL) return 0;
  return real(bytes, size, outcome == SHORT ? n / 2 : n, stream);
}

int fflush(FILE *stream) {
  REAL(int, fflush, FILE *);
  if (stream && at_file("sync", "fflush", fileno(stream)) == FAIL) return EOF;
  return real(stream);
}

#define DEFINE_ON_FILE(name, kind)                               \
  int name(int file) {                                           \
    REAL(int, name, int);                                        \
    return at_file(kind, #name, file) == FAIL ? -1 : real(file); \
  }
DEFINE_ON_FILE(fsync, "sync")
DEFINE_ON_FILE(fdatasync, "sync")
DEFINE_ON_FILE(syncfs, "sync")

#define DEFINE_TRUNCATE(name, offset)                                        \
  int name(int file, offset size) {                                          \
    REAL(int, name, int, offset);                                            \
    return at_file("truncate", #name, file) == FAIL ? -1 : real(file, size); \
  }
DEFINE_TRUNCATE(ftruncate, off_t)
DEFINE_TRUNCATE(ftruncate64, off64_t)

#define DEFINE_ON_NAME(name, kind)                               \
  int name(const char *path) {                                   \
    REAL(int, name, const char *);                               \
    return at_name(kind, #name, path) == FAIL ? -1 : real(path); \
  }
DEFINE_ON_NAME(unlink, "remove")
DEFINE_ON_NAME(rmdir, "remove")
DEFINE_ON_NAME(remove, "remove")

int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t);
  return at_name("mkdir", "mkdir", path) == FAIL ? -1 : real(path, mode);
}

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  return at_name("rename", "rename", to) == FAIL ? -1 : real(from, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  REAL(int, renameat2, int, const char *, int, const char *, unsigned);
  if (at_name("rename", "renameat2", to) == FAIL) return -1;
  return real(from_folder, from, to_folder, to, flags);
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static int no_memory(const char *call, size_t size) {
  return size >= fewest_bytes && is_met("alloc", call) && meet(call, "") == FAIL;
}

void *malloc(size_t size) { return no_memory("malloc", size) ? NULL : __libc_malloc(size); }

void *calloc(size_t n, size_t size) {
  return no_memory("calloc", n * size) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
  return no_memory("realloc", size) ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  return no_memory("memalign", size) ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return no_memory("aligned_alloc", size) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  void *made = no_memory("posix_memalign", size) ? NULL : __libc_memalign(alignment, size);
  if (!made) return ENOMEM;
  *out = made;
  return 0;
}
