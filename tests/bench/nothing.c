/* What a program costs that does nothing, with the libraries of ours; given an
 * argument it says so and waits for the end of its input, to be looked at. */
#include <stdio.h>

int
main(int argc, char **argv)
{
	if (argc > 1) {
		puts(argv[1]);
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return 0;
}
