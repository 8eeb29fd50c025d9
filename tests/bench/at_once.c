/*
 * at_once.c - a FastCGI responder that reads the body and answers at once: what
 * nginx and libfcgi cost by themselves.
 *
 * usage: at_once SOCKET
 */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/prctl.h>

#include <fcgiapp.h>

int
main(int argc, char **argv)
{
	static const char answer[] = "Status: 200 OK\r\n"
				     "Content-Type: application/json\r\n"
				     "Content-Length: 21\r\n\r\n"
				     "{\"status\":\"accepted\"}";
	char body[65536];
	FCGX_Request request;
	int fd;

	if (argc != 2 || FCGX_Init() != 0 ||
	    (fd = FCGX_OpenSocket(argv[1], 1024)) < 0)
		errx(1, "cannot listen");
	if (fork() == 0) /* one for each of two cores */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	FCGX_InitRequest(&request, fd, 0);
	while (FCGX_Accept_r(&request) == 0) {
		while (FCGX_GetStr(body, sizeof(body), request.in) > 0)
			;
		FCGX_PutStr(answer, sizeof(answer) - 1, request.out);
		FCGX_Finish_r(&request);
	}
	return 0;
}
