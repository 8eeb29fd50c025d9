#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t
utf8_sequence(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		len = 2;
	else if ((u[0] & 0xf0) == 0xe0)
		len = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || /* over-long */
	    (u[0] == 0xed && u[1] > 0x9f) || /* surrogates */
	    (u[0] == 0xf0 && u[1] < 0x90) || /* over-long */
	    (u[0] == 0xf4 && u[1] > 0x8f))   /* above U+10FFFF */
		return 0;
	return len;
}

bool
utf8_is_control(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	if (len == 1)
		return u[0] < 0x20 || u[0] == 0x7f;
	if (len == 2) /* U+0080 to U+009F */
		return u[0] == 0xc2 && u[1] < 0xa0;
	return len == 3 && u[0] == 0xe2 && u[1] == 0x80 &&
	    (u[2] == 0xa8 || u[2] == 0xa9);
}

bool
utf8_valid(const char *s, size_t n)
{
	size_t len;

	for (size_t i = 0; i < n; i += len)
		if ((len = utf8_sequence(s + i, n - i)) == 0)
			return false;
	return true;
}

char *
utf8_clean(const char *s, size_t n)
{
	char *out, *p;
	size_t len;

	if (n > SIZE_MAX / 3 - 1 || (out = malloc(3 * n + 1)) == NULL)
		return NULL;
	p = out;
	for (size_t i = 0; i < n; i += len) {
		unsigned char c = (unsigned char)s[i];

		if ((len = utf8_sequence(s + i, n - i)) == 0) {
			memcpy(p, "\xef\xbf\xbd", 3);
			p += 3;
			len = 1;
		} else if ((c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n') {
			memcpy(p, s + i, len);
			p += len;
		}
	}
	*p = '\0';
	return out;
}

size_t
utf8_units(const char *s, size_t n)
{
	size_t units = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		/* each lead byte is one unit, a four-byte form two */
		units += (c & 0xc0) != 0x80;
		units += c >= 0xf0;
	}
	return units;
}

/* Does the code point at s belong to the one before it: a combining mark, a
 * variation selector, a joiner, a skin tone? */
static bool
continues(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c;

	if (len == 2)
		c = (uint32_t)(u[0] & 0x1f) << 6 | (u[1] & 0x3f);
	else if (len == 3)
		c = (uint32_t)(u[0] & 0x0f) << 12 |
		    (uint32_t)(u[1] & 0x3f) << 6 | (u[2] & 0x3f);
	else if (len == 4)
		c = (uint32_t)(u[0] & 0x07) << 18 |
		    (uint32_t)(u[1] & 0x3f) << 12 |
		    (uint32_t)(u[2] & 0x3f) << 6 | (u[3] & 0x3f);
	else
		return false;
	return (c >= 0x0300 && c <= 0x036f) || c == 0x200d ||
	    (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x20d0 && c <= 0x20ff) ||
	    (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1f3fb && c <= 0x1f3ff) ||
	    (c >= 0xe0020 && c <= 0xe007f);
}

size_t
utf8_cut(const char *s, size_t n, size_t max_units)
{
	size_t i = 0, units = 0, len, space = 0, whole = 0;

	while (i < n) {
		size_t u;

		if ((len = utf8_sequence(s + i, n - i)) == 0)
			len = 1;
		u = len == 4 ? 2 : 1;
		if (i > 0 && !continues(s + i, len))
			whole = i;
		if (units + u > max_units && i > 0)
			break;
		units += u;
		i += len;
		if (s[i - 1] == '\n' || s[i - 1] == ' ')
			space = i;
	}
	if (i >= n)
		return n;
	if (space > i / 2)
		return space;
	return whole > 0 ? whole : i;
}
