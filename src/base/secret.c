#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

enum { SHORTEST = 8 };

#define BLANKS " \t\r\n"

/* A signing secret without this is worth as much. */
#define PREFIX "whsec_"

static char **held;
static size_t n_held;

static int
hold(const char *word, size_t n)
{
	char **more;

	if (n < SHORTEST)
		return 0;
	more = realloc(held, (n_held + 1) * sizeof(*held));
	if (more == NULL)
		return -1;
	held = more;
	if ((held[n_held] = strndup(word, n)) == NULL)
		return -1;
	n_held++;
	return 0;
}

int
secret_hold(const char *words)
{
	size_t n, prefix = strlen(PREFIX);

	for (words += strspn(words, BLANKS); *words != '\0';
	     words += n + strspn(words + n, BLANKS)) {
		if (strncmp(words, PREFIX, prefix) == 0)
			words += prefix;
		n = strcspn(words, BLANKS);
		if (hold(words, n) != 0)
			return -1;
	}
	return 0;
}

void
secret_hide(char *text, size_t n)
{
	for (size_t i = 0; i < n_held && n > 0; i++) {
		size_t len = strlen(held[i]);
		char *at = text;

		while ((at = memmem(at, n - (size_t)(at - text), held[i],
			    len)) != NULL) {
			memset(at, '*', len);
			at += len;
		}
	}
}

void
secret_forget(void)
{
	for (size_t i = 0; i < n_held; i++) {
		explicit_bzero(held[i], strlen(held[i]));
		free(held[i]);
	}
	free(held);
	held = NULL;
	n_held = 0;
}
