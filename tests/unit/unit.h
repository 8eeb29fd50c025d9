/*
 * unit.h - what the unit tests share: cmocka with what it needs, and files.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The folder of sample deliveries, in a build folder of its own as well. */
static inline const char *
deliveries_folder(char *ret, size_t size)
{
	const char *folder = getenv("DELIVERIES"), *top = getenv("srcdir");

	if (folder != NULL)
		return folder;
	if (top == NULL)
		top = getenv("top_srcdir");
	snprintf(ret, size, "%s/tests/deliveries", top == NULL ? "." : top);
	return ret;
}

#endif
