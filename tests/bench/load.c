/*
 * load.c - signed deliveries with ids of their own over kept connections, each
 * sent when the answer to the one before has come.
 *
 * usage: load PORT PATH CONNECTIONS REQUESTS MILLISECONDS TEMPLATE, the secret
 * in ONS_WEBHOOK_SECRET. TEMPLATE is a body with TWELVE in the place of its
 * number. Ends after so many requests, or as long. Prints
 *	2xx  others  seconds  median-us  99th-percentile-us
 * Everything is signed before the clock starts: this must cost next to nothing
 * beside what is measured on the same machine.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define TWELVE "@@@@@@@@@@@@"
#define MODULUS 1000000000000ULL
#define FACTOR 387420489ULL /* 3^18: scatters the numbers, doubles none */

enum { REQUEST_MAX = 4096, ANSWER_MAX = 4096, EVENTS = 256 };

struct connection {
	int fd;
	size_t request, sent, got;
	long long begun;
	char answer[ANSWER_MAX + 1];
};

static struct sockaddr_in server = { .sin_family = AF_INET };
static char *requests;
static size_t *lengths, request_count, next, ok, others;
static unsigned int *took; /* us, of each that was 2xx */
static int poller;

static long long
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* ---- requests ---- */

static void
sign(const unsigned char *key, int key_len, const char *id, long long at,
    const char *body, size_t n, char *ret)
{
	static char text[REQUEST_MAX];
	unsigned char digest[32];
	int head = snprintf(text, sizeof(text), "%s.%lld.", id, at);

	memcpy(text + head, body, n);
	HMAC(EVP_sha256(), key, key_len, (unsigned char *)text,
	    (size_t)head + n, digest, NULL);
	EVP_EncodeBlock((unsigned char *)ret, digest, sizeof(digest));
}

static void
prepare(const char *path, const char *template, const char *secret)
{
	unsigned char key[64];
	char *body = strdup(template), *at, number[32], id[40], base64[64];
	size_t n = strlen(body);
	int key_len;

	if (strncmp(secret, "whsec_", 6) != 0 || strlen(secret) > 70)
		errx(1, "ONS_WEBHOOK_SECRET is no secret");
	/* no padding: the stack's secrets are 24 bytes */
	key_len = EVP_DecodeBlock(
	    key, (const unsigned char *)secret + 6, (int)strlen(secret + 6));
	requests = malloc(request_count * REQUEST_MAX);
	lengths = calloc(request_count, sizeof(*lengths));
	took = calloc(request_count, sizeof(*took));
	if (requests == NULL || lengths == NULL || took == NULL)
		err(1, "memory");
	for (size_t i = 0; i < request_count; i++) {
		long long t = (long long)time(NULL);
		int len;

		snprintf(number, sizeof(number), "%012llu",
		    (i + 1) * FACTOR % MODULUS);
		memcpy(body, template, n);
		while ((at = strstr(body, TWELVE)) != NULL)
			memcpy(at, number, strlen(number));
		snprintf(id, sizeof(id), "msg_%s", number);
		sign(key, key_len, id, t, body, n, base64);
		len = snprintf(requests + i * REQUEST_MAX, REQUEST_MAX,
		    "POST %s HTTP/1.1\r\nHost: localhost\r\n"
		    "User-Agent: OpenPhone\r\n"
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n"
		    "webhook-id: %s\r\nwebhook-timestamp: %lld\r\n"
		    "webhook-signature: v1,%s\r\n\r\n%s",
		    path, n, id, t, base64, body);
		if (len >= REQUEST_MAX)
			errx(1, "the template is too long");
		lengths[i] = (size_t)len;
	}
	free(body);
}

/* ---- connections ---- */

static void
open_connection(struct connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = c };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		err(1, "socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&server, sizeof(server)) != 0 &&
	    errno != EINPROGRESS)
		err(1, "connect");
	if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) != 0)
		err(1, "epoll_ctl");
}

static void
send_more(struct connection *c)
{
	while (c->sent < lengths[c->request]) {
		ssize_t n =
		    send(c->fd, requests + c->request * REQUEST_MAX + c->sent,
			lengths[c->request] - c->sent, MSG_NOSIGNAL);

		if (n < 0) /* not connected, full, or closed: epoll tells */
			return;
		c->sent += (size_t)n;
	}
}

/* 1: there is another request for it, 0: none is left. */
static int
begin(struct connection *c)
{
	c->sent = c->got = 0;
	if (next == request_count)
		return 0;
	c->request = next++;
	c->begun = now_us();
	send_more(c);
	return 1;
}

/* The whole answer's status, 0: it is not yet here. */
static int
status_of(struct connection *c, int *closes)
{
	char *end, *length;

	c->answer[c->got] = '\0';
	if ((end = strstr(c->answer, "\r\n\r\n")) == NULL)
		return 0;
	length = strcasestr(c->answer, "\r\ncontent-length:");
	if (length == NULL || length > end)
		errx(1, "an answer without a length: %s", c->answer);
	if (c->got <
	    (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10))
		return 0;
	*closes = strcasestr(c->answer, "\r\nconnection: close") != NULL;
	return (int)strtol(c->answer + 9, NULL, 10);
}

static void
count(struct connection *c, int status)
{
	if (status / 100 == 2) {
		took[ok++] = (unsigned int)(now_us() - c->begun);
		return;
	}
	if (others++ == 0)
		fprintf(stderr, "load: answered %d\n%s\n", status, c->answer);
}

/* 1: go on, 0: nothing is left to do for it. */
static int
work(struct connection *c)
{
	int closes = 0, status;
	ssize_t n;

	send_more(c);
	n = recv(c->fd, c->answer + c->got, ANSWER_MAX - c->got, 0);
	if (n < 0 && errno == EAGAIN)
		return 1;
	if (n <= 0) {
		if (c->got == 0 && n < 0)
			warn("recv");
		status = 599; /* closed: nobody knows what became of it */
		closes = 1;
	} else {
		c->got += (size_t)n;
		if ((status = status_of(c, &closes)) == 0)
			return 1;
	}
	count(c, status);
	if (closes) { /* nginx does after 1000 requests */
		close(c->fd);
		open_connection(c);
	}
	return begin(c);
}

static int
ascending(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct connection *connections;
	char template[REQUEST_MAX] = "";
	const char *secret = getenv("ONS_WEBHOOK_SECRET");
	long long begun, end;
	size_t n, working;
	FILE *file;

	if (argc != 7 || secret == NULL)
		errx(2, "see the source for the arguments");
	server.sin_port = htons((in_port_t)atoi(argv[1]));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	working = n = strtoul(argv[3], NULL, 10);
	request_count = strtoul(argv[4], NULL, 10);
	if ((file = fopen(argv[6], "r")) == NULL)
		err(1, "%s", argv[6]);
	fread(template, 1, sizeof(template) - 1, file);
	fclose(file);
	if (n == 0 || n > request_count || (poller = epoll_create1(0)) < 0 ||
	    (connections = calloc(n, sizeof(*connections))) == NULL)
		err(1, "connections");
	prepare(argv[2], template, secret);

	begun = now_us();
	end = begun + strtoll(argv[5], NULL, 10) * 1000;
	for (size_t i = 0; i < n; i++) {
		open_connection(&connections[i]);
		begin(&connections[i]);
	}
	while (working > 0) {
		int ready = epoll_wait(poller, events, EVENTS, 30000);

		if (ready == 0)
			errx(1, "no answer in 30 s");
		for (int i = 0; i < ready; i++)
			working -= work(events[i].data.ptr) == 0;
		if (now_us() >= end) /* answers under way are waited for */
			request_count = next;
	}
	end = now_us();
	qsort(took, ok, sizeof(*took), ascending);
	printf("%zu %zu %.6f %u %u\n", ok, others, (double)(end - begun) / 1e6,
	    ok ? took[ok / 2] : 0, ok ? took[ok * 99 / 100] : 0);
	return 0;
}
