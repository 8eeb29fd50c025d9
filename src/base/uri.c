#include "base/uri.h"

#include <string.h>

int
uri_escape(struct buf *out, const char *text, bool keep_slash)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.~";
	size_t n;

	while (*text != '\0') {
		if ((n = strspn(text, plain)) == 0 && keep_slash)
			n = strspn(text, "/");
		if (n > 0) {
			if (buf_add(out, text, n) != 0)
				return -1;
			text += n;
		} else if (buf_addf(out, "%%%02X", (unsigned char)*text++) !=
		    0) {
			return -1;
		}
	}
	return 0;
}
