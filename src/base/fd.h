/*
 * fd.h - what is wanted of file descriptors.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>

/* All of the n bytes, whatever signals come: 0, or -1 with errno. */
int fd_write(int fd, const void *bytes, size_t n);

#endif
