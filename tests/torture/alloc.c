#include "alloc.h"

#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The allocator below: the sanitizer's where there is one, else glibc's. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) /* clang's way to say it */
#define __SANITIZE_ADDRESS__
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BELOW(name) __interceptor_##name
#else
#define BELOW(name) __libc_##name
#endif
void *BELOW(malloc)(size_t size);
void *BELOW(calloc)(size_t n, size_t size);
void *BELOW(realloc)(void *p, size_t size);
void *BELOW(memalign)(size_t alignment, size_t size);
void BELOW(free)(void *p);

enum { SLOTS = 1 << 18, FRAMES = 24 };

/* An allocation that was not freed: the nth of its run. */
struct slot {
	uintptr_t p; /* 0: the slot is empty */
	size_t nth, run;
};

static _Thread_local bool armed;
/* What one thread makes another may free. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	size_t run, count, live, fail;
	bool onwards;
	size_t watch; /* its backtrace is kept in made */
	void *failed[FRAMES], *made[FRAMES];
	int n_failed, n_made;
	struct slot slots[SLOTS];
} memory;

/* Where the search for it begins. */
static size_t
home(uintptr_t p)
{
	return (p >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 46;
}

static size_t
find(uintptr_t p)
{
	size_t i = home(p);

	while (memory.slots[i].p != 0 && memory.slots[i].p != p)
		i = (i + 1) % SLOTS;
	return i;
}

/* Empty the slot, and close the gap that others are found across. */
static void
empty(size_t i)
{
	for (size_t k = (i + 1) % SLOTS; memory.slots[k].p != 0;
	     k = (k + 1) % SLOTS) {
		size_t way = (k - home(memory.slots[k].p)) % SLOTS;

		if (way >= (k - i) % SLOTS) {
			memory.slots[i] = memory.slots[k];
			i = k;
		}
	}
	memory.slots[i].p = 0;
}

/* Is this the one that fails? */
static bool
fails(void)
{
	if (!armed)
		return false;
	memory.count++;
	if (memory.count == memory.watch && memory.n_made == 0) {
		armed = false;
		memory.n_made = backtrace(memory.made, FRAMES);
		armed = true;
	}
	if (memory.fail == 0 || memory.count < memory.fail ||
	    (memory.count > memory.fail && !memory.onwards))
		return false;
	if (memory.n_failed == 0) {
		armed = false;
		memory.n_failed = backtrace(memory.failed, FRAMES);
		armed = true;
	}
	errno = ENOMEM;
	return true;
}

static void *
made(void *p)
{
	if (!armed || p == NULL)
		return p;
	if (memory.live >= SLOTS / 2)
		abort();
	pthread_mutex_lock(&lock);
	memory.slots[find((uintptr_t)p)] =
	    (struct slot){ (uintptr_t)p, memory.count, memory.run };
	memory.live++;
	pthread_mutex_unlock(&lock);
	return p;
}

static void
gone(void *p)
{
	size_t i;

	if (memory.run == 0 || p == NULL)
		return;
	pthread_mutex_lock(&lock);
	i = find((uintptr_t)p);
	if (memory.slots[i].p != 0) {
		empty(i);
		memory.live--;
	}
	pthread_mutex_unlock(&lock);
}

void *
malloc(size_t size)
{
	return fails() ? NULL : made(BELOW(malloc)(size));
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : made(BELOW(calloc)(n, size));
}

void *
realloc(void *p, size_t size)
{
	void *ret;

	if (fails())
		return NULL;
	gone(p);
	ret = BELOW(realloc)(p, size);
	return made(ret);
}

void
free(void *p)
{
	gone(p);
	BELOW(free)(p);
}

void *
memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : made(BELOW(memalign)(alignment, size));
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *p = memalign(alignment, size);

	if (p == NULL)
		return ENOMEM;
	*ret = p;
	return 0;
}

void
alloc_arm(size_t nth, bool onwards)
{
	memory.run++;
	memory.count = 0;
	memory.fail = nth;
	memory.onwards = onwards;
	memory.n_failed = 0;
	armed = true;
}

void
alloc_pause(void)
{
	armed = false;
}

void
alloc_resume(void)
{
	armed = true;
}

size_t
alloc_disarm(void)
{
	armed = false;
	return memory.count;
}

size_t
alloc_live(void)
{
	return memory.live;
}

void
alloc_show_here(int fd)
{
	void *frames[FRAMES];

	backtrace_symbols_fd(frames, backtrace(frames, FRAMES), fd);
}

void
alloc_show_failed(int fd)
{
	backtrace_symbols_fd(memory.failed, memory.n_failed, fd);
}

/* The first time it only finds out what to look at in the next run. */
void
alloc_show_live(int fd)
{
	backtrace_symbols_fd(memory.made, memory.n_made, fd);
	memory.n_made = 0;
	memory.watch = 0;
	for (size_t i = 0; i < SLOTS; i++)
		if (memory.slots[i].p != 0 &&
		    memory.slots[i].run == memory.run &&
		    (memory.watch == 0 || memory.slots[i].nth < memory.watch))
			memory.watch = memory.slots[i].nth;
}
