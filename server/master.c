/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master.c — see master.h.
 *
 * The master holds every queue of the TUN device open, so that a worker that dies takes its connections
 * along but neither the device nor its share of the packets: its successor gets the same queue. It talks
 * to a worker through a socket, not by signals, which a container may not allow across users. When the master
 * itself dies the socket closes, and PR_SET_PDEATHSIG does the rest.
 */
#include "server/master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/control.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/publish.h"
#include "server/renewal.h"
#include "server/worker.h"

#define NEVER UINT64_MAX
#define HEALTHY_US 5000000u /* a worker that lived so long did not die of its start          */
#define BACKOFF_US 100000u  /* before the first restart of one that did; doubled each time   */
#define BACKOFF_MAX_US 10000000u
#define FORCE_US 1000000u /* from "end at once" to SIGKILL                                 */

struct child {
	pid_t pid;      /* 0: not running                               */
	int control_fd; /* of the socket pair, -1 when closed           */
	bool drained;   /* it has said so                               */
	uint64_t started_us;
	uint64_t restart_us; /* when to start it again, NEVER when running   */
	uint64_t backoff_us;
};

enum master_phase {
	SERVING,
	DRAINING,
	ENDING
};

struct master {
	struct startup *startup;
	struct renewal renewal;
	bool look;       /* at the files, at once: SIGHUP          */
	bool reopen_log; /* SIGUSR1                                */
	struct limits_table *limits;
	struct publish publish;
	struct notify notify; /* the service manager                       */
	struct child child[TUN_QUEUES_MAX];
	unsigned count;
	int signal_fd;
	enum master_phase phase;
	uint64_t deadline_us; /* of the phase        */
	int status;           /* exit status         */
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ------------------------------------------------------------------ starting workers */

/* In the child: runs worker `i` and does not return. What belongs to the others is closed. */
static void be_worker(struct master *m, unsigned i, int control_fd, int ready_fd, pid_t master)
{
	const struct startup *s = m->startup;
	const struct worker_config cfg = {
		.options = s->options,
		.address6 = s->address6.stack,
		.mtu = s->mtu,
		.tun_fd = s->tun.queue[i],
		.offload = s->tun.offload,
		.sites = &s->sites,
		.control_fd = control_fd,
		.ready_fd = ready_fd,
		.secrets = &m->renewal.secrets,
		.identity = s->identity,
		.fastopen = s->fastopen_key,
		.keylog_fd = s->keylog_fd,
		.log_fd = s->log_fd,
		.mime = s->mime,
		.limits = m->limits,
		.number = i,
		.master = master,
	};

	for (unsigned other = 0; other < m->count; other++) {
		if (other != i)
			close(s->tun.queue[other]);
		if (m->child[other].control_fd >= 0)
			close(m->child[other].control_fd);
	}
	close(m->signal_fd);
	publish_forget(&m->publish);
	notify_close(&m->notify);
	exit(worker_run(&cfg));
}

/* `ready` gets the reading end of the worker's ready pipe; NULL when nobody will wait for it. */
static bool start_worker(struct master *m, unsigned i, int *ready)
{
	struct child *c = &m->child[i];
	const pid_t master = getpid();
	int control[2], ready_pipe[2] = {-1, -1};

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0)
		return false;
	if (ready && pipe2(ready_pipe, O_CLOEXEC) != 0)
		goto fail;
	fflush(NULL);
	c->pid = fork();
	if (c->pid < 0)
		goto fail;
	if (c->pid == 0) {
		close(control[1]);
		if (ready)
			close(ready_pipe[0]);
		be_worker(m, i, control[0], ready_pipe[1], master);
	}
	close(control[0]);
	c->control_fd = control[1];
	c->drained = false;
	c->started_us = now_us();
	c->restart_us = NEVER;
	if (ready) {
		close(ready_pipe[1]);
		*ready = ready_pipe[0];
	}
	return true;
fail:
	c->pid = 0;
	close(control[0]);
	close(control[1]);
	if (ready_pipe[0] >= 0)
		close(ready_pipe[0]);
	if (ready_pipe[1] >= 0)
		close(ready_pipe[1]);
	return false;
}

/* False when the worker ended before it could serve; it has said why. */
static bool await_ready(int fd)
{
	char what = 0;
	ssize_t n;

	do
		n = read(fd, &what, 1);
	while (n < 0 && errno == EINTR);
	close(fd);
	return n == 1 && what == WORKER_READY;
}

static bool start_all(struct master *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		int ready;
		if (!start_worker(m, i, &ready)) {
			log_error("cannot start a worker: %m");
			return false;
		}
		if (!await_ready(ready))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ stopping them */

static unsigned running(const struct master *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->count; i++)
		n += m->child[i].pid != 0;
	return n;
}

/* The closed socket tells the workers to end at once. */
static void end_now(struct master *m)
{
	m->phase = ENDING;
	m->deadline_us = now_us() + FORCE_US;
	for (unsigned i = 0; i < m->count; i++) {
		if (m->child[i].control_fd >= 0)
			close(m->child[i].control_fd);
		m->child[i].control_fd = -1;
	}
}

static void drain(struct master *m)
{
	const char word = WORKER_CONTROL_DRAIN;
	const uint64_t grace = m->startup->options->grace_us;

	notify_send(&m->notify, "STOPPING=1");
	if (grace == 0) {
		end_now(m);
		return;
	}
	log_error("stopping: responses under way have %g s; a second signal ends them at once",
		  (double)grace / 1e6);
	m->phase = DRAINING;
	m->deadline_us = now_us() + grace;
	for (unsigned i = 0; i < m->count; i++) {
		m->child[i].restart_us = NEVER;
		/* A worker that just died is told in vain. */
		if (m->child[i].control_fd >= 0 &&
		    send(m->child[i].control_fd, &word, 1, MSG_NOSIGNAL) < 0)
			continue;
	}
}

static void kill_all(struct master *m)
{
	for (unsigned i = 0; i < m->count; i++)
		if (m->child[i].pid != 0)
			kill(m->child[i].pid, SIGKILL);
	m->deadline_us = NEVER;
}

/* ------------------------------------------------------------------ watching over them */

static const char *cause(int status, char text[64])
{
	if (WIFSIGNALED(status))
		snprintf(text, 64, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == WORKER_EXIT_SANDBOX)
		snprintf(text, 64, "was ended by its sandbox");
	else
		snprintf(text, 64, "ended with status %d", WEXITSTATUS(status));
	return text;
}

static void on_death(struct master *m, struct child *c, int status)
{
	const uint64_t now = now_us();
	char text[64];
	const pid_t pid = c->pid;

	c->pid = 0;
	if (c->control_fd >= 0)
		close(c->control_fd);
	c->control_fd = -1;
	if (m->phase != SERVING) {
		if (status != 0)
			log_error("worker %d %s while stopping", (int)pid, cause(status, text));
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_LINK_GONE) {
		m->status = EXIT_RUNTIME;
		end_now(m);
		return;
	}
	c->backoff_us = now - c->started_us >= HEALTHY_US ? 0
			: c->backoff_us == 0              ? BACKOFF_US
							  : c->backoff_us * 2;
	if (c->backoff_us > BACKOFF_MAX_US)
		c->backoff_us = BACKOFF_MAX_US;
	c->restart_us = now + c->backoff_us;
	log_error("worker %d %s, and its connections with it; starting another", (int)pid,
		  cause(status, text));
}

static void reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < m->count; i++)
			if (m->child[i].pid == pid)
				on_death(m, &m->child[i], status);
}

static void restart_due(struct master *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		struct child *c = &m->child[i];
		if (m->phase != SERVING || c->restart_us > now_us())
			continue;
		if (!start_worker(m, i, NULL)) {
			log_error("cannot start a worker: %m; trying again");
			c->restart_us = now_us() + BACKOFF_MAX_US;
		}
	}
}

static void read_signals(struct master *m)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			reap(m);
		else if (info.ssi_signo == SIGHUP)
			m->look = true;
		else if (info.ssi_signo == SIGUSR1)
			m->reopen_log = true;
		else if (m->phase == SERVING)
			drain(m);
		else if (m->phase == DRAINING)
			end_now(m);
	}
}

/* Syslog's daemon was started anew and has another socket, which workers may not connect to. As long as there is none the
 * worker asks every second, and has said why. */
static void renew_syslog(struct master *m, struct child *c)
{
	struct startup *s = m->startup;
	char error[LOG_SINK_ERROR_SIZE];

	if (s->options->log_target.kind != LOG_TO_SYSLOG)
		return;
	const int fd = log_target_open(&s->options->log_target, error);
	if (fd < 0)
		return;
	close(s->log_fd);
	s->log_fd = fd;
	if (!control_send(c->control_fd, WORKER_CONTROL_LOG, fd))
		log_error("worker %d gets no socket for syslog: %m", (int)c->pid);
}

/* What a worker says: that nothing is under way there, most often. */
static void read_control(struct master *m, struct child *c)
{
	char word = 0;

	const bool said = recv(c->control_fd, &word, 1, MSG_DONTWAIT) == 1;
	if (said && word == WORKER_CONTROL_SYSLOG) {
		renew_syslog(m, c);
		return;
	}
	c->drained = true; /* or it is ending: SIGCHLD tells the rest */
	if (said && word == WORKER_CONTROL_DRAINED && m->phase == SERVING) {
		/* Somebody else told it to stop: another one takes its place. */
		close(c->control_fd);
		c->control_fd = -1;
	}
}

/* When nothing is under way anywhere all may end: until then each goes on answering its queue of the device. */
static void end_when_drained(struct master *m)
{
	bool all = true;

	for (unsigned i = 0; i < m->count; i++)
		all = all && (m->child[i].pid == 0 || m->child[i].drained);
	if (m->phase == DRAINING && all)
		end_now(m);
}

/* Certificates and ticket keys that have changed go to every worker; one that starts later has them from the
 * fork. */
static void renew(struct master *m)
{
	const bool at_once = m->look;

	m->look = false;
	if (m->phase != SERVING || renewal_look(&m->renewal, now_us(), at_once) == RENEWAL_NOTHING)
		return;
	for (unsigned i = 0; i < m->count; i++)
		if (m->child[i].control_fd >= 0 &&
		    !secrets_send(&m->renewal.secrets, m->child[i].control_fd,
				  WORKER_CONTROL_SECRETS))
			log_error("worker %d keeps its old certificate: %m", (int)m->child[i].pid);
}

/* Somebody has put the file aside: its lines go to a new one. What workers have not written yet is still for the old
 * one. */
static void reopen_log(struct master *m)
{
	struct startup *s = m->startup;
	char error[LOG_SINK_ERROR_SIZE];

	if (!m->reopen_log)
		return;
	m->reopen_log = false;
	if (s->options->log_target.kind != LOG_TO_FILE)
		return;
	const int fd = log_target_open(&s->options->log_target, error);
	if (fd < 0) {
		log_error("%s; the old file stays in use", error);
		return;
	}
	for (unsigned i = 0; i < m->count; i++)
		if (m->child[i].control_fd >= 0 &&
		    !control_send(m->child[i].control_fd, WORKER_CONTROL_LOG, fd))
			log_error("worker %d goes on with the old access log: %m",
				  (int)m->child[i].pid);
	close(s->log_fd);
	s->log_fd = fd;
}

static uint64_t next_deadline(const struct master *m)
{
	uint64_t next = m->phase == SERVING ? renewal_next(&m->renewal) : m->deadline_us;

	for (unsigned i = 0; i < m->count; i++)
		if (m->child[i].restart_us < next)
			next = m->child[i].restart_us;
	return m->notify.next_us < next ? m->notify.next_us : next;
}

static void wait_for_news(struct master *m)
{
	struct pollfd fds[TUN_QUEUES_MAX + 2] = {{.fd = m->signal_fd, .events = POLLIN}};
	const uint64_t next = next_deadline(m), now = now_us();
	int timeout_ms = -1;

	if (next != NEVER)
		timeout_ms = next <= now ? 0 : (int)((next - now) / 1000 + 1);
	for (unsigned i = 0; i < m->count; i++)
		fds[i + 1] = (struct pollfd){
			.fd = m->child[i].drained ? -1 : m->child[i].control_fd, .events = POLLIN};
	fds[m->count + 1] = (struct pollfd){.fd = m->publish.watch_fd, .events = POLLIN};
	if (poll(fds, m->count + 2, timeout_ms) <= 0)
		return;
	if (fds[m->count + 1].revents)
		publish_refresh(&m->publish);
	for (unsigned i = 0; i < m->count; i++)
		if (fds[i + 1].revents && m->child[i].control_fd >= 0)
			read_control(m, &m->child[i]);
	if (fds[0].revents)
		read_signals(m);
	end_when_drained(m);
}

static void supervise(struct master *m)
{
	while (m->phase == SERVING || running(m) > 0) {
		wait_for_news(m);
		notify_alive(&m->notify, now_us());
		restart_due(m);
		renew(m);
		reopen_log(m);
		if (m->phase == SERVING || now_us() < m->deadline_us)
			continue;
		if (m->phase == DRAINING) {
			log_error("the time for responses under way is over");
			end_now(m);
		} else {
			kill_all(m);
		}
	}
}

/* ------------------------------------------------------------------ the master */

static bool take_signals(struct master *m)
{
	sigset_t mask;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	m->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signal_fd < 0)
		log_error("cannot receive signals: %m");
	return m->signal_fd >= 0;
}

/* Every response under way has a file open. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* What the workers count of clients, in memory that all of them see. */
static bool make_limits(struct master *m)
{
	uint8_t key[16];

	if (getrandom(key, sizeof key, 0) == (ssize_t)sizeof key)
		m->limits = limits_table_create(m->count, key);
	explicit_bzero(key, sizeof key);
	if (!m->limits)
		log_error("no memory or no random numbers for the limits of clients: %m");
	return m->limits != NULL;
}

/* When the workers serve: nobody is sent to a server that does not answer yet. */
static bool publish(struct master *m)
{
	const struct startup *s = m->startup;
	const struct options *o = s->options;
	const struct publish_config cfg = {.interfaces = &o->publish,
					   .tun = s->tun.name,
					   .port = {o->http, o->https},
					   .address = &o->address,
					   .address6 = &s->address6};
	char error[PUBLISH_ERROR_SIZE];

	if (o->publish.count == 0 || publish_start(&m->publish, &cfg, error))
		return true;
	log_error("%s", error);
	return false;
}

int master_run(struct startup *s)
{
	struct master *m = calloc(1, sizeof *m);

	if (!m) {
		log_error("out of memory");
		return EXIT_RUNTIME;
	}
	m->startup = s;
	m->publish.fd = m->publish.watch_fd = -1;
	notify_open(&m->notify, now_us());
	m->count = s->tun.count;
	for (unsigned i = 0; i < m->count; i++) {
		m->child[i].control_fd = -1;
		m->child[i].restart_us = NEVER;
	}
	raise_file_limit();
	if (!renewal_init(&m->renewal, s, now_us()) || !take_signals(m) || !make_limits(m)) {
		limits_table_destroy(m->limits);
		renewal_free(&m->renewal);
		notify_close(&m->notify);
		free(m);
		return EXIT_RUNTIME;
	}
	const bool started = start_all(m) && publish(m);
	if (started)
		startup_announce(s);
	if (started && startup_give_up(s)) {
		notify_send(&m->notify, "READY=1");
	} else {
		m->status = EXIT_RUNTIME;
		end_now(m);
	}
	supervise(m);
	publish_stop(&m->publish);
	notify_close(&m->notify);
	const int status = m->status;
	close(m->signal_fd);
	limits_table_destroy(m->limits);
	renewal_free(&m->renewal);
	free(m);
	return status;
}
