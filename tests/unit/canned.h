/*
 * canned.h - an HTTP server on the loopback that gives prepared answers, one
 * a request and in order, and keeps what it was asked.
 *
 * An answer is sent as it is; "Connection: close" in it, or an empty answer,
 * ends the connection. One that ends in CANNED_STALL is never finished, one in
 * CANNED_DRIP goes on with a byte now and then, one in CANNED_FLOOD with as
 * much as the peer takes. One that begins with CANNED_EARLY comes before the
 * request's body. Header-only, for the tests of one program.
 */
#ifndef TESTS_CANNED_H
#define TESTS_CANNED_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CANNED_MAX 65536
#define CANNED_STALL "\001"
#define CANNED_DRIP "\002"
#define CANNED_FLOOD "\003"
#define CANNED_EARLY "\004"

struct canned {
	const char *const *answers; /* NULL at the end */
	int listener, conn;
	char url[64];
	pthread_t thread;
	char asked[CANNED_MAX]; /* all requests, one after the other */
	size_t len;
	int requests;
};

/* One whole request; false: the peer has gone. */
static bool
canned_read(struct canned *c)
{
	size_t begin = c->len, head = 0, want = 0;
	char *end, *length;
	ssize_t n;

	while (head == 0 || c->len < begin + head + want) {
		n = recv(
		    c->conn, c->asked + c->len, CANNED_MAX - 1 - c->len, 0);
		if (n <= 0)
			return false;
		c->len += (size_t)n;
		c->asked[c->len] = '\0';
		if (c->asked[begin] == 0x16) /* TLS: no request of HTTP's */
			return true;
		end = strstr(c->asked + begin, "\r\n\r\n");
		if (head != 0 || end == NULL)
			continue;
		head = (size_t)(end + 4 - (c->asked + begin));
		length = strstr(c->asked + begin, "Content-Length: ");
		if (length != NULL && length < end)
			want = strtoul(length + 16, NULL, 10);
		if (*c->answers != NULL && **c->answers == *CANNED_EARLY)
			want = 0;
	}
	c->requests++;
	return true;
}

/* Send the answer; false: the connection is done with. */
static bool
canned_send(struct canned *c, const char *answer)
{
	size_t n;
	char rest[8192];

	answer += *answer == *CANNED_EARLY;
	n = strcspn(answer, CANNED_STALL CANNED_DRIP CANNED_FLOOD);
	send(c->conn, answer, n, MSG_NOSIGNAL);
	if (answer[n] == '\0')
		return n > 0 && strstr(answer, "Connection: close") == NULL;
	memset(rest, 'a', sizeof(rest));
	if (answer[n] == *CANNED_STALL)
		while (recv(c->conn, rest, sizeof(rest), 0) > 0)
			;
	else if (answer[n] == *CANNED_DRIP)
		while (send(c->conn, rest, 1, MSG_NOSIGNAL) == 1)
			usleep(20000);
	else
		while (send(c->conn, rest, sizeof(rest), MSG_NOSIGNAL) > 0)
			;
	return false;
}

static void *
canned_run(void *arg)
{
	struct canned *c = arg;
	const char *answer;

	c->conn = accept(c->listener, NULL, NULL);
	while (c->conn >= 0) {
		answer = *c->answers;
		if (canned_read(c) && answer != NULL) {
			c->answers++;
			if (canned_send(c, answer))
				continue;
		}
		close(c->conn);
		c->conn = accept(c->listener, NULL, NULL);
	}
	return NULL;
}

static void
canned_start(struct canned *c, const char *const *answers)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(addr);

	*c = (struct canned){ .answers = answers, .conn = -1 };
	c->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(c->listener, (struct sockaddr *)&addr, n) != 0 ||
	    listen(c->listener, 8) != 0 ||
	    getsockname(c->listener, (struct sockaddr *)&addr, &n) != 0 ||
	    pthread_create(&c->thread, NULL, canned_run, c) != 0)
		abort();
	snprintf(c->url, sizeof(c->url), "http://127.0.0.1:%d",
	    ntohs(addr.sin_port));
}

/* Call it once the client has let go of its connections. */
static void
canned_stop(struct canned *c)
{
	shutdown(c->listener, SHUT_RDWR);
	pthread_join(c->thread, NULL);
	close(c->listener);
}

/* How often the text occurs in the requests. */
static inline int
canned_count(const struct canned *c, const char *text)
{
	const char *p = c->asked;
	int n = 0;

	while ((p = strstr(p, text)) != NULL) {
		p += strlen(text);
		n++;
	}
	return n;
}

#endif
