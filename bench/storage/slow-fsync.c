/* Makes every fsync and fdatasync take FSYNC_US microseconds longer: a slower disk than this machine's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void pause_for_disk(void) {
  const char *text = getenv("FSYNC_US");
  if (text) usleep((useconds_t)atoi(text));
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  pause_for_disk();
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  pause_for_disk();
  return real(fd);
}
