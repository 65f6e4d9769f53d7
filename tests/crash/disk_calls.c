/* Watches a running process and logs, or kills it at, each system call that changes what is below a folder.
 *
 *     disk_calls FOLDER PID LOG [kill N | tear N | fail N ERRNO]
 *
 * Attaches by ptrace (so it also sees programs that make system calls without libc), says "ready" on standard output,
 * and follows the process with its threads and children until they end. The log has one JSON object per line. Calls
 * that change the disk are numbered from 1. `kill N` ends the process with SIGKILL just before call N is carried out;
 * `tear N`, where call N is a write of more than one byte, just after half of it is; then the exit code is 9, else 0.
 * `fail N ERRNO` lets call N fail with that error, unexecuted, and the process go on.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_TASKS 4096
#define TEXT 8192

typedef uint64_t u64;

/* What is known of a call between its entry and its return. */
typedef struct {
  pid_t id;
  bool inside;      /* between entry and return of a call that is logged */
  bool counted;     /* the call has a number */
  bool opening;     /* the result is a descriptor to be looked at */
  bool torn;        /* only half of the write is carried out */
  bool failed;      /* the call is replaced by an error */
  u64 number;
  char text[TEXT];  /* members of the log line so far */
  unsigned char *data;
  size_t size;
} Task;

static Task tasks[MOST_TASKS];
static char folder[PATH_MAX];
static FILE *log_file;
static u64 calls, kill_at, tear_at, fail_at, error;

static void fail(const char *what) {
  fprintf(stderr, "disk_calls: %s: %s\n", what, strerror(errno));
  exit(2);
}

static Task *task_of(pid_t id) {
  Task *free_one = NULL;
  for (int i = 0; i < MOST_TASKS; i++) {
    if (tasks[i].id == id) return &tasks[i];
    if (!tasks[i].id && !free_one) free_one = &tasks[i];
  }
  if (!free_one) fail("too many threads");
  memset(free_one, 0, sizeof *free_one);
  free_one->id = id;
  return free_one;
}

/* -- reading the process ------------------------------------------------------------------------------------------ */

static size_t copy_in(pid_t id, u64 address, void *buffer, size_t size) {
  struct iovec here = {buffer, size}, there = {(void *)(uintptr_t)address, size};
  ssize_t got = process_vm_readv(id, &here, 1, &there, 1, 0);
  return got < 0 ? 0 : (size_t)got;
}

static bool read_string(pid_t id, u64 address, char *text) {
  for (size_t length = 0; length < PATH_MAX; length++) {
    if (copy_in(id, address + length, text + length, 1) != 1) return false;
    if (!text[length]) return true;
  }
  return false;
}

static bool link_target(pid_t id, const char *what, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/%d/%s", id, what);
  ssize_t size = readlink(link, path, PATH_MAX - 1);
  if (size < 0) return false;
  path[size] = 0;
  return true;
}

static bool path_of_descriptor(pid_t id, int descriptor, char *path) {
  char what[32];
  snprintf(what, sizeof what, "fd/%d", descriptor);
  return link_target(id, what, path);
}

/* The path that a call names, its folder free of links; false where that folder is not there. */
static bool path_of_argument(pid_t id, int at, u64 address, char *path) {
  char given[PATH_MAX], whole[2 * PATH_MAX], parent[PATH_MAX];
  if (!read_string(id, address, given)) return false;
  if (given[0] == '/') snprintf(whole, sizeof whole, "%s", given);
  else {
    if (!(at == AT_FDCWD ? link_target(id, "cwd", parent) : path_of_descriptor(id, at, parent))) return false;
    snprintf(whole, sizeof whole, "%s/%s", parent, given);
  }
  size_t end = strlen(whole);
  while (end > 1 && whole[end - 1] == '/') whole[--end] = 0;
  char *slash = strrchr(whole, '/');
  if (!slash) return false;
  *slash = 0;
  if (!realpath(*whole ? whole : "/", parent)) return false;
  return snprintf(path, PATH_MAX, "%s/%s", strcmp(parent, "/") ? parent : "", slash + 1) < PATH_MAX;
}

static bool below(const char *path) {
  size_t length = strlen(folder);
  return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static u64 offset_of(pid_t id, int descriptor, bool *append) {
  char name[64], line[256];
  unsigned long long position = 0;
  unsigned int flags = 0;
  snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", id, descriptor);
  FILE *file = fopen(name, "r");
  while (file && fgets(line, sizeof line, file)) {
    sscanf(line, "pos: %llu", &position);
    sscanf(line, "flags: %o", &flags);
  }
  if (file) fclose(file);
  *append = flags & O_APPEND;
  return position;
}

static u64 inode_of(pid_t id, int descriptor, bool *is_folder, u64 *size) {
  char name[64];
  struct stat facts;
  snprintf(name, sizeof name, "/proc/%d/fd/%d", id, descriptor);
  if (stat(name, &facts)) return 0;
  *is_folder = S_ISDIR(facts.st_mode);
  *size = (u64)facts.st_size;
  return facts.st_ino;
}

/* -- the log ------------------------------------------------------------------------------------------------------ */

static void append(Task *task, const char *key, const char *text) {
  size_t used = strlen(task->text);
  char *to = task->text + used;
  if (used + strlen(key) + 6 * strlen(text) + 8 >= TEXT) fail("a path is too long");
  to += sprintf(to, ",\"%s\":\"", key);
  for (; *text; text++) {
    unsigned char letter = (unsigned char)*text;
    if (letter == '"' || letter == '\\' || letter < 0x20) to += sprintf(to, "\\u%04x", letter);
    else *to++ = (char)letter;
  }
  strcpy(to, "\"");
}

static void append_number(Task *task, const char *key, u64 value) {
  size_t used = strlen(task->text);
  snprintf(task->text + used, TEXT - used, ",\"%s\":%llu", key, (unsigned long long)value);
}

static void begin(Task *task, const char *call, bool counted) {
  task->inside = true;
  task->counted = counted;
  task->opening = task->torn = task->failed = false;
  task->text[0] = 0;
  task->size = 0;
  append(task, "call", call);
}

static void write_line(Task *task, long long result) {
  if (task->opening && result >= 0) {
    bool is_folder = false;
    u64 size = 0;
    append_number(task, "inode", inode_of(task->id, (int)result, &is_folder, &size));
  }
  fprintf(log_file, "{\"n\":%llu%s", (unsigned long long)(task->counted ? task->number : 0), task->text);
  if (task->data) {
    fputs(",\"data\":\"", log_file);
    size_t written = result < 0 ? 0 : (size_t)result;
    for (size_t i = 0; i < task->size && i < written; i++) fprintf(log_file, "%02x", task->data[i]);
    fputc('"', log_file);
    free(task->data);
    task->data = NULL;
  }
  fprintf(log_file, ",\"result\":%lld}\n", result);
  fflush(log_file);
}

/* -- the calls ---------------------------------------------------------------------------------------------------- */

static bool note_path(Task *task, const char *call, int at, u64 address) {
  char path[PATH_MAX];
  if (!path_of_argument(task->id, at, address, path) || !below(path)) return false;
  begin(task, call, true);
  append(task, "path", path);
  return true;
}

static void note_two_paths(Task *task, const char *call, int at, u64 from, int to_at, u64 to) {
  char source[PATH_MAX], target[PATH_MAX];
  if (!path_of_argument(task->id, at, from, source) || !path_of_argument(task->id, to_at, to, target)) return;
  if (!below(source) && !below(target)) return;
  begin(task, call, true);
  append(task, "path", source);
  append(task, "target", target);
}

static void note_open(Task *task, int at, u64 address, u64 flags) {
  char path[PATH_MAX], resolved[PATH_MAX];
  if (!(flags & (O_CREAT | O_TRUNC))) return;
  if (!path_of_argument(task->id, at, address, path)) return;
  if (!(flags & (O_NOFOLLOW | O_EXCL)) && realpath(path, resolved)) strcpy(path, resolved);
  if (!below(path)) return;
  struct stat facts;
  begin(task, (flags & O_TMPFILE) == O_TMPFILE ? "tmpfile" : "open", true);
  append(task, "path", path);
  append_number(task, "created", lstat(path, &facts) != 0);
  append_number(task, "truncated", (flags & O_TRUNC) != 0);
  task->opening = true;
}

static bool note_descriptor(Task *task, const char *call, int descriptor, bool counted) {
  char path[PATH_MAX];
  bool is_folder = false;
  u64 size = 0;
  if (!path_of_descriptor(task->id, descriptor, path) || !below(path)) return false;
  begin(task, call, counted);
  append(task, "path", path);
  append_number(task, "inode", inode_of(task->id, descriptor, &is_folder, &size));
  append_number(task, "folder", is_folder);
  return true;
}

static void hold_data(Task *task, const unsigned char *data, size_t size) {
  task->data = realloc(task->data, task->size + size + 1);
  if (!task->data) fail("memory");
  if (data) memcpy(task->data + task->size, data, size);
  task->size += size;
}

static void note_write(Task *task, int descriptor, bool has_offset, u64 offset) {
  if (!note_descriptor(task, "write", descriptor, true)) return;
  bool appending = false, is_folder;
  u64 position = offset_of(task->id, descriptor, &appending), size = 0;
  inode_of(task->id, descriptor, &is_folder, &size);
  append_number(task, "offset", has_offset ? offset : appending ? size : position);
}

static void note_buffer(Task *task, u64 address, u64 size) {
  if (!task->inside) return;
  hold_data(task, NULL, size);
  task->size = copy_in(task->id, address, task->data, size);
}

static void note_vector(Task *task, u64 address, u64 count) {
  struct iovec part;
  if (!task->inside) return;
  hold_data(task, NULL, 0);
  for (u64 i = 0; i < count && copy_in(task->id, address + i * sizeof part, &part, sizeof part) == sizeof part; i++) {
    unsigned char *bytes = malloc(part.iov_len + 1);
    if (!bytes) fail("memory");
    hold_data(task, bytes, copy_in(task->id, (u64)(uintptr_t)part.iov_base, bytes, part.iov_len));
    free(bytes);
  }
}

static void enter(Task *task, u64 nr, const u64 *a) {
  switch (nr) {
#ifdef SYS_open
    case SYS_open: note_open(task, AT_FDCWD, a[0], a[1]); break;
    case SYS_creat: note_open(task, AT_FDCWD, a[0], O_CREAT | O_TRUNC); break;
    case SYS_mkdir: note_path(task, "mkdir", AT_FDCWD, a[0]); break;
    case SYS_rmdir: note_path(task, "rmdir", AT_FDCWD, a[0]); break;
    case SYS_unlink: note_path(task, "unlink", AT_FDCWD, a[0]); break;
    case SYS_rename: note_two_paths(task, "rename", AT_FDCWD, a[0], AT_FDCWD, a[1]); break;
    case SYS_link: note_two_paths(task, "link", AT_FDCWD, a[0], AT_FDCWD, a[1]); break;
    case SYS_symlink: note_path(task, "symlink", AT_FDCWD, a[1]); break;
#endif
#ifdef SYS_renameat
    case SYS_renameat: note_two_paths(task, "rename", (int)a[0], a[1], (int)a[2], a[3]); break;
#endif
    case SYS_openat: note_open(task, (int)a[0], a[1], a[2]); break;
#ifdef SYS_openat2
    case SYS_openat2: {
      u64 flags = 0;
      copy_in(task->id, a[2], &flags, sizeof flags);
      note_open(task, (int)a[0], a[1], flags);
      break;
    }
#endif
    case SYS_mkdirat: note_path(task, "mkdir", (int)a[0], a[1]); break;
    case SYS_unlinkat: note_path(task, a[2] & AT_REMOVEDIR ? "rmdir" : "unlink", (int)a[0], a[1]); break;
    case SYS_renameat2: note_two_paths(task, "rename", (int)a[0], a[1], (int)a[2], a[3]); break;
    case SYS_linkat: note_two_paths(task, "link", (int)a[0], a[1], (int)a[2], a[3]); break;
    case SYS_symlinkat: note_path(task, "symlink", (int)a[1], a[2]); break;
    case SYS_truncate: note_path(task, "truncate-path", AT_FDCWD, a[0]); break;
    case SYS_ftruncate:
      if (note_descriptor(task, "truncate", (int)a[0], true)) append_number(task, "size", a[1]);
      break;
    case SYS_fallocate: note_descriptor(task, "fallocate", (int)a[0], true); break;
    case SYS_write: note_write(task, (int)a[0], false, 0); note_buffer(task, a[1], a[2]); break;
    case SYS_pwrite64: note_write(task, (int)a[0], true, a[3]); note_buffer(task, a[1], a[2]); break;
    case SYS_writev: note_write(task, (int)a[0], false, 0); note_vector(task, a[1], a[2]); break;
    case SYS_pwritev: note_write(task, (int)a[0], true, a[3]); note_vector(task, a[1], a[2]); break;
    case SYS_pwritev2: note_write(task, (int)a[0], a[3] != (u64)-1, a[3]); note_vector(task, a[1], a[2]); break;
    case SYS_sendfile: note_descriptor(task, "sendfile", (int)a[0], true); break;
    case SYS_splice: note_descriptor(task, "splice", (int)a[2], true); break;
#ifdef SYS_copy_file_range
    case SYS_copy_file_range: note_descriptor(task, "copy_file_range", (int)a[2], true); break;
#endif
    case SYS_fsync: case SYS_fdatasync: note_descriptor(task, "fsync", (int)a[0], true); break;
    case SYS_syncfs: note_descriptor(task, "syncfs", (int)a[0], true); break;
    case SYS_sync: begin(task, "sync", true); break;
#ifdef SYS_io_uring_setup
    case SYS_io_uring_setup: begin(task, "io_uring", true); break;
#endif
    case SYS_mmap:
      if ((a[2] & PROT_WRITE) && (a[3] & MAP_TYPE) != MAP_PRIVATE && !(a[3] & MAP_ANONYMOUS))
        note_descriptor(task, "mmap", (int)a[4], true);
      break;
    case SYS_flock:
      if (note_descriptor(task, "flock", (int)a[0], false)) {
        append_number(task, "descriptor", a[0]);
        append_number(task, "how", a[1]);
      }
      break;
    case SYS_close:
      if (note_descriptor(task, "close", (int)a[0], false)) append_number(task, "descriptor", a[0]);
      break;
    default: break;
  }
}

/* -- killing ------------------------------------------------------------------------------------------------------ */

static void kill_all(void) {
  for (int i = 0; i < MOST_TASKS; i++)
    if (tasks[i].id) kill(tasks[i].id, SIGKILL);
  while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR) {}
  exit(9);
}

#if defined(__x86_64__)
typedef struct user_regs_struct Registers;
#define THIRD rdx
#define RESULT rax
#elif defined(__aarch64__)
typedef struct user_pt_regs Registers;
#define THIRD regs[2]
#define RESULT regs[0]
#else
#error "disk_calls knows the registers of x86-64 and AArch64 only"
#endif

static void registers(Task *task, Registers *all, bool set) {
  struct iovec part = {all, sizeof *all};
  if (ptrace(set ? PTRACE_SETREGSET : PTRACE_GETREGSET, task->id, NT_PRSTATUS, &part)) fail("registers");
}

/* Halve the size of a write, or the number of its buffers: the third argument of each of these calls. */
static bool halve(Task *task, u64 nr, const u64 *a) {
  Registers all;
  bool writes = nr == SYS_write || nr == SYS_pwrite64 || nr == SYS_writev || nr == SYS_pwritev;
  if (!task->data || !writes || a[2] < 2) return false;
  registers(task, &all, false);
  all.THIRD = a[2] / 2;
  registers(task, &all, true);
  return true;
}

/* Let the kernel find a call that does not exist. */
static void suppress(Task *task) {
#if defined(__x86_64__)
  Registers all;
  registers(task, &all, false);
  all.orig_rax = (u64)-1;
  registers(task, &all, true);
#else
  int number = -1;
  struct iovec part = {&number, sizeof number};
  if (ptrace(PTRACE_SETREGSET, task->id, NT_ARM_SYSTEM_CALL, &part)) fail("registers");
#endif
  task->failed = true;
}

static void answer_error(Task *task) {
  Registers all;
  registers(task, &all, false);
  all.RESULT = -error;
  registers(task, &all, true);
}

static void at_syscall(Task *task) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, task->id, sizeof info, &info) < 0) {
    if (errno == ESRCH) return;
    fail("PTRACE_GET_SYSCALL_INFO");
  }
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    task->inside = false;
    enter(task, info.entry.nr, (const u64 *)info.entry.args);
    if (!task->inside || !task->counted) return;
    task->number = ++calls;
    if (task->number == kill_at) kill_all();
    if (task->number == tear_at) {
      if (!halve(task, info.entry.nr, (const u64 *)info.entry.args)) kill_all();
      task->torn = true;
    }
    if (task->number == fail_at) suppress(task);
  } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && task->inside) {
    task->inside = false;
    if (task->failed) answer_error(task);
    write_line(task, task->failed ? -(long long)error : (long long)info.exit.rval);
    if (task->torn) kill_all();
  }
}

/* -- following ---------------------------------------------------------------------------------------------------- */

static const long OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                            PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

static void attach(pid_t process) {
  char name[64];
  snprintf(name, sizeof name, "/proc/%d/task", process);
  DIR *threads = opendir(name);
  if (!threads) fail(name);
  for (struct dirent *entry; (entry = readdir(threads));) {
    pid_t id = atoi(entry->d_name);
    if (!id) continue;
    if (ptrace(PTRACE_SEIZE, id, NULL, OPTIONS)) fail("PTRACE_SEIZE");
    if (ptrace(PTRACE_INTERRUPT, id, NULL, NULL)) fail("PTRACE_INTERRUPT");
    int status;
    if (waitpid(id, &status, __WALL) < 0) fail("waitpid");
    task_of(id);
    ptrace(PTRACE_SYSCALL, id, NULL, NULL);
  }
  closedir(threads);
}

static void follow(void) {
  int status;
  pid_t id;
  while ((id = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
    if (id < 0) continue;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      Task *ended = task_of(id);
      free(ended->data);
      memset(ended, 0, sizeof *ended);
      continue;
    }
    int signal = WSTOPSIG(status), event = status >> 16, deliver = 0;
    Task *task = task_of(id);
    if (signal == (SIGTRAP | 0x80)) at_syscall(task);
    else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
      ptrace(PTRACE_LISTEN, id, NULL, NULL);
      continue;
    } else if (!event) deliver = signal;
    ptrace(PTRACE_SYSCALL, id, NULL, (void *)(intptr_t)deliver);
  }
}

int main(int count, char **words) {
  if (count != 4 && count != 6 && count != 7) {
    fputs("usage: disk_calls FOLDER PID LOG [kill N | tear N | fail N ERRNO]\n", stderr);
    return 2;
  }
  if (!realpath(words[1], folder)) fail(words[1]);
  if (!(log_file = fopen(words[3], "w"))) fail(words[3]);
  if (count == 6) *(strcmp(words[4], "tear") ? &kill_at : &tear_at) = strtoull(words[5], NULL, 10);
  if (count == 7) {
    fail_at = strtoull(words[5], NULL, 10);
    error = strtoull(words[6], NULL, 10);
  }
  attach(atoi(words[2]));
  puts("ready");
  fflush(stdout);
  follow();
  return 0;
}
