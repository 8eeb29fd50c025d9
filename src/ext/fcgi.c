#include "ext/fcgi.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "base/failpoint.h"
#include "base/log.h"

enum {
	/* a full queue on a unix socket is an instant 502 at nginx */
	BACKLOG = 1024,
	RESTART_MS = 500,
	ACCEPT_AGAIN_MS = 100,
	REST_MAX = 64 * 1024,
	NUDGE_MS = 20
};

struct fcgi_request {
	FCGX_Request *fcgx; /* NULL: plain CGI on standard input and output */
};

const char *
fcgi_param(const struct fcgi_request *req, const char *name)
{
	return req->fcgx == NULL ? getenv(name)
				 : FCGX_GetParam(name, req->fcgx->envp);
}

int
fcgi_read(struct fcgi_request *req, void *data, size_t n)
{
	int want = n > 1 << 20 ? 1 << 20 : (int)n;
	ssize_t got;

	if (req->fcgx != NULL) {
		got = FCGX_GetStr(data, want, req->fcgx->in);
		return got == 0 && FCGX_GetError(req->fcgx->in) != 0 ? -1
								     : (int)got;
	}
	while ((got = read(STDIN_FILENO, data, (size_t)want)) < 0 &&
	    errno == EINTR)
		;
	return (int)got;
}

void
fcgi_write(struct fcgi_request *req, const void *data, size_t n)
{
	const char *p = data;

	if (req->fcgx != NULL) {
		FCGX_PutStr(p, (int)n, req->fcgx->out);
		return;
	}
	while (n > 0) {
		ssize_t done = write(STDOUT_FILENO, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
	}
}

/* ---- the threads of the child ---- */

struct server {
	const struct fcgi_service *service;
	int listener;
	int epoll; /* of the listener and of the connections that are idle */
	volatile sig_atomic_t stopping;
};

/* Tell one thread, once, when there is something to read. */
static int
watch(const struct server *server, int op, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT,
		.data.fd = fd };

	return epoll_ctl(server->epoll, op, fd, &event);
}

static void
set_timeouts(int fd, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
}

/* A new connection waits among the idle ones until it says something. */
static void
accept_connection(const struct server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		set_timeouts(fd, server->service->read_timeout_ms);
		if (watch(server, EPOLL_CTL_ADD, fd) != 0)
			close(fd);
	} else if (errno != EINTR && errno != ECONNABORTED) {
		log_error("accept: %s", strerror(errno));
		pause_ms(ACCEPT_AGAIN_MS); /* descriptors become free */
	}
	watch(server, EPOLL_CTL_MOD, server->listener);
}

/* A connection on which a request begins, or which was closed; -1: look whether
 * to stop. */
static int
next_connection(const struct server *server)
{
	struct epoll_event event;

	if (epoll_wait(server->epoll, &event, 1, -1) != 1)
		return -1;
	if (event.data.fd != server->listener)
		return event.data.fd;
	accept_connection(server);
	return -1;
}

/* The request that fd begins. libfcgi would rather accept by itself, and then
 * wait in a kept connection for its next request, with a thread for each; what
 * it has in hand after a request on a kept connection is what it finds here.
 * Without a listener it gives up (-1) when the connection is over. */
static int
begin_request(FCGX_Request *fcgx, int fd)
{
	fcgx->ipcFd = fd;
	fcgx->keepConnection = 1;
	return FCGX_Accept_r(fcgx) == 0 ? 0 : -1;
}

/* Was the body read to its end? What is left of it, if little, is read now,
 * behind the answer: it would be taken for the next request. */
static bool
read_to_end(FCGX_Request *fcgx)
{
	char rest[4096];
	int left = REST_MAX / (int)sizeof(rest);

	if (FCGX_HasSeenEOF(fcgx->in) == 0) {
		FCGX_FFlush(fcgx->out);
		while (left-- > 0 &&
		    FCGX_GetStr(rest, sizeof(rest), fcgx->in) ==
			(int)sizeof(rest))
			;
	}
	return FCGX_HasSeenEOF(fcgx->in) != 0 && FCGX_GetError(fcgx->in) == 0;
}

/* Is the connection kept? Where it is not, libfcgi waits until the other side
 * has closed it, lest a refusal be lost on who is still sending. Who has sent
 * everything is not waited for, which is what "detached" comes to. */
static bool
finish(FCGX_Request *fcgx)
{
	bool whole = read_to_end(fcgx), kept;

	if (whole)
		FCGX_Detach(fcgx);
	else
		FCGX_Attach(fcgx);
	FCGX_Finish_r(fcgx);
	kept = whole && fcgx->ipcFd >= 0;
	if (!kept)
		FCGX_Free(fcgx, 1);
	fcgx->ipcFd = -1;
	return kept;
}

static void *
serve(void *arg)
{
	struct server *server = arg;
	FCGX_Request fcgx;
	struct fcgi_request req = { .fcgx = &fcgx };

	FCGX_InitRequest(&fcgx, -1, 0);
	while (!server->stopping) {
		int fd = next_connection(server);

		if (fd < 0 || begin_request(&fcgx, fd) != 0)
			continue;
		server->service->answer(&req, server->service->ctx);
		if (finish(&fcgx))
			watch(server, EPOLL_CTL_MOD, fd);
		FAILPOINT("fcgi.answered");
	}
	return NULL;
}

static void
nudged(int sig)
{
	(void)sig;
}

/* A thread sits in epoll_wait(2) until a signal interrupts it; one that was
 * just about to enter it misses the first, hence again and again. */
static void
join_all(pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		for (;;) {
			struct timespec until;

			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += NUDGE_MS * 1000000L;
			until.tv_sec += until.tv_nsec / 1000000000L;
			until.tv_nsec %= 1000000000L;
			pthread_kill(threads[i], SIGUSR1);
			if (pthread_timedjoin_np(threads[i], NULL, &until) == 0)
				break;
		}
}

/* A web server with many workers keeps many connections. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* The child: answers until SIGTERM. Its exit status. */
static int
run_server(const struct fcgi_service *service, int listener)
{
	struct server server = { .service = service,
		.listener = listener,
		.epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct sigaction nudge = { .sa_handler = nudged }; /* no SA_RESTART */
	struct err err = ERR_INIT;
	pthread_t *threads;
	sigset_t signals;
	int n = 0, sig;

	/* an arena a thread would keep the largest body each has ever parsed */
	mallopt(M_ARENA_MAX, 2);
	raise_descriptors();
	block_signals(&signals);
	sigaction(SIGUSR1, &nudge, NULL);
	threads = calloc((size_t)service->threads, sizeof(*threads));
	if (threads == NULL || FCGX_Init() != 0)
		err_nomem(&err);
	else if (watch(&server, EPOLL_CTL_ADD, listener) != 0)
		err_sys(&err, ERR_RETRY, "cannot wait for connections");
	else if (service->begin == NULL ||
	    service->begin(service->ctx, &err) == 0)
		while (n < service->threads &&
		    pthread_create(&threads[n], NULL, serve, &server) == 0)
			n++;
	if (n == 0) {
		if (!err_is_set(&err))
			err_set(&err, ERR_RETRY, "cannot start a thread");
		log_err(&err, "start");
		free(threads);
		return EXIT_FAILURE;
	}
	while (sigwait(&signals, &sig) == 0 && sig == SIGHUP)
		log_reopen();
	server.stopping = 1;
	join_all(threads, n);
	free(threads);
	close(server.epoll);
	if (service->end != NULL)
		service->end(service->ctx);
	return EXIT_SUCCESS;
}

/* ---- the supervising parent ---- */

/* Wait for the child's end or for a signal to stop; the status, or -1. */
static int
wait_for_child(pid_t child, const sigset_t *signals)
{
	int status, sig = 0;

	for (;;) {
		if (sigwait(signals, &sig) == 0 && sig == SIGHUP) {
			log_reopen();
			kill(child, SIGHUP);
			continue;
		}
		if (sig != SIGCHLD) {
			kill(child, SIGTERM);
			while (waitpid(child, &status, 0) < 0 && errno == EINTR)
				;
			return -1;
		}
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
	}
}

static void
supervise(const struct fcgi_service *service, int listener)
{
	pid_t parent = getpid();
	sigset_t signals;

	block_signals(&signals);
	sigaddset(&signals, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	for (;;) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			/* a parent that is killed takes the child along */
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			exit(getppid() != parent
				? EXIT_FAILURE
				: run_server(service, listener));
		}
		if (child > 0) {
			status = wait_for_child(child, &signals);
			if (status == -1)
				return;
			log_error("the responder ended (%s %d): starting it "
				  "again",
			    WIFSIGNALED(status) ? "signal" : "status",
			    WIFSIGNALED(status) ? WTERMSIG(status)
						: WEXITSTATUS(status));
		}
		pause_ms(RESTART_MS);
	}
}

/* FCGX_OpenSocket() unlinks what is there: a second instance would silently
 * steal the first one's socket. */
static bool
somebody_listens(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	bool answered;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return false;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return false;
	answered = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
	close(fd);
	return answered;
}

static int
open_socket(const char *path, struct err *err)
{
	mode_t mask;
	int fd;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		err_set(err, ERR_CONFIG,
		    "%s: a socket's path may have %zu bytes at most", path,
		    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		return -1;
	}
	if (somebody_listens(path)) {
		err_set(err, ERR_CONFIG,
		    "%s: another process listens there: stop it first", path);
		return -1;
	}
	mask = umask(0117); /* srw-rw----: the web server by its group */
	fd = FCGX_OpenSocket(path, BACKLOG);
	umask(mask);
	if (fd < 0)
		err_sys(err, ERR_CONFIG, "%s: cannot listen", path);
	return fd;
}

static int
run_cgi(const struct fcgi_service *service, struct err *err)
{
	struct fcgi_request req = { .fcgx = NULL };

	if (service->begin != NULL && service->begin(service->ctx, err) != 0)
		return -1;
	service->answer(&req, service->ctx);
	if (service->end != NULL)
		service->end(service->ctx);
	return 0;
}

int
fcgi_run(const struct fcgi_service *service, struct err *err)
{
	int listener = STDIN_FILENO;

	signal(SIGPIPE, SIG_IGN);
	if (service->socket == NULL && FCGX_IsCGI()) {
		if (getenv("REQUEST_METHOD") != NULL)
			return run_cgi(service, err);
		err_set(err, ERR_CONFIG,
		    "nothing to serve: give -s SOCKET, a listening socket as "
		    "standard input, or run it as CGI");
		return -1;
	}
	if (service->socket != NULL &&
	    (listener = open_socket(service->socket, err)) < 0)
		return -1;
	supervise(service, listener);
	if (service->socket != NULL)
		unlink(service->socket);
	return 0;
}
