#include "model/number.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void
number_e164(const char *text, char ret[NUMBER_SIZE])
{
	char bare[NUMBER_SIZE];
	const char *rest = bare, *before = "";
	size_t n = 0;

	for (; *text != '\0' && n + 1 < sizeof(bare); text++)
		if (strchr(" ()-.\t/", *text) == NULL)
			bare[n++] = *text;
	bare[n] = '\0';
	if (strspn(bare, "0123456789") == n) {
		if (strncmp(bare, "00", 2) == 0 && n > 10) {
			before = "+";
			rest = bare + 2;
		} else if (n == 10 && *bare != '0') {
			before = "+1";
		} else if (n == 11 && *bare == '1') {
			before = "+";
		}
	}
	snprintf(ret, NUMBER_SIZE, "%s%.29s", before, rest);
	for (n = strlen(ret); !utf8_valid(ret, n); n--)
		ret[n - 1] = '\0';
}
