#include "ext/jansson.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static _Thread_local struct {
	size_t failures;
	bool reading, failed; /* failed: since reading began */
	void *reserve;
	size_t reserve_size;
} memory;

/* The parser goes on when its buffer for a string or number cannot grow, and
 * then relies on what it did not keep. So it gets that once from the reserve,
 * nothing any more after that, and no more text either. */
static void *
allocate(size_t n)
{
	bool first = memory.reading && !memory.failed;
	void *p = memory.reading && memory.failed ? NULL : malloc(n);

	if (p != NULL)
		return p;
	memory.failures++;
	memory.failed = true;
	return first && n <= memory.reserve_size ? memory.reserve : NULL;
}

static void
release(void *p)
{
	if (p != memory.reserve)
		free(p);
}

/* Before main(), so that no value is made the other way. */
__attribute__((constructor)) static void
take_over(void)
{
	json_set_alloc_funcs(allocate, release);
}

size_t
jansson_failures(void)
{
	return memory.failures;
}

/* jansson keeps the code in the text's last byte. */
static void
say_no_memory(json_error_t *error)
{
	if (error == NULL)
		return;
	error->text[0] = '\0';
	error->text[sizeof(error->text) - 1] = (char)json_error_out_of_memory;
}

struct source {
	const char *text;
	size_t n;
};

static size_t
next_byte(void *to, size_t max, void *from)
{
	struct source *source = from;

	(void)max;
	if (memory.failed || source->n == 0)
		return 0;
	*(char *)to = *source->text++;
	source->n--;
	return 1;
}

json_t *
jansson_read(const char *text, size_t n, size_t flags, json_error_t *error)
{
	struct source source = { text, n };
	json_t *json = NULL;

	/* a buffer grows to twice its length */
	memory.reserve_size = 2 * n + 64;
	memory.reserve = malloc(memory.reserve_size);
	memory.failed = memory.reserve == NULL;
	memory.reading = true;
	if (memory.failed)
		memory.failures++;
	else
		json = json_load_callback(next_byte, &source, flags, error);
	memory.reading = false;
	if (memory.failed) {
		say_no_memory(error);
		json_decref(json);
		json = NULL;
	}
	free(memory.reserve);
	memory.reserve = NULL;
	return json;
}

struct sink {
	struct buf *out;
	size_t enough;
	bool failed;
};

static int
add(const char *text, size_t n, void *to)
{
	struct sink *sink = to;

	if (sink->failed || sink->out->len >= sink->enough)
		return -1;
	if (buf_add(sink->out, text, n) != 0)
		sink->failed = true;
	return sink->failed ? -1 : 0;
}

int
jansson_dump(const json_t *value, size_t flags, struct buf *out, size_t enough)
{
	struct sink sink = { out, enough, false };
	size_t before = memory.failures;
	int rc = json_dump_callback(value, add, &sink, flags);

	if (sink.failed || memory.failures != before)
		return -1;
	return rc == 0 || out->len >= enough ? 0 : -1;
}

struct pieces {
	struct buf piece;
	size_t size;
	jansson_take_fn *take;
	void *ctx;
	bool failed;
};

static void
hand_over(struct pieces *p)
{
	p->failed = p->failed || p->take(p->ctx, buf_text(&p->piece)) != 0;
	buf_reset(&p->piece);
}

/* jansson gives whole characters: all up to the next that needs an escape. */
static int
add_to_piece(const char *text, size_t n, void *to)
{
	struct pieces *p = to;

	if (p->failed || buf_add(&p->piece, text, n) != 0)
		p->failed = true;
	else if (p->piece.len >= p->size)
		hand_over(p);
	return p->failed ? -1 : 0;
}

int
jansson_pieces(const json_t *value, size_t flags, size_t size,
    jansson_take_fn *take, void *ctx)
{
	struct pieces p = { .size = size, .take = take, .ctx = ctx };
	size_t before = memory.failures;

	buf_init(&p.piece, SIZE_MAX / 4);
	if (json_dump_callback(value, add_to_piece, &p, flags) != 0 ||
	    memory.failures != before)
		p.failed = true;
	if (p.piece.len > 0)
		hand_over(&p);
	buf_free(&p.piece);
	return p.failed ? -1 : 0;
}

char *
jansson_text(const json_t *value, size_t flags)
{
	struct buf text;

	buf_init(&text, SIZE_MAX / 4);
	if (jansson_dump(value, flags, &text, SIZE_MAX) == 0)
		return buf_steal(&text);
	buf_free(&text);
	return NULL;
}

json_t *
jansson_copy(const json_t *value)
{
	size_t before = memory.failures;
	json_t *copy = json_copy((json_t *)value);

	if (memory.failures == before)
		return copy;
	json_decref(copy);
	return NULL;
}
