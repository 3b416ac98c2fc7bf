/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c — see worker.h. The loop: packets in, until none is left or the batch is full; timers; the app;
 * packets out; the log; sleep. Time is read once per turn.
 */
#include "server/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/app.h"
#include "server/control.h"
#include "server/keylog.h"
#include "server/log.h"
#include "server/passwords.h"
#include "server/trim.h"
#include "server/tun.h"

#define BATCH_PACKETS 64       /* read before answers are sent                                  */
#define WRITE_WAIT_MS 5        /* a full device has that long to take a packet, a few times     */
#define CONNECTION_MEMORY 4096 /* of the stack's account, for each of the most connections */
#define WRITE_TRIES 4          /* then the packet is dropped: TCP sends it again                */

struct worker {
	const struct worker_config *cfg;
	struct stack *stack;
	struct http_server *http;
	struct passwords passwords;
	struct tls_context *tls;
	struct app *app;
	struct log *log;
	struct limits limits;
	int signal_fd;
	bool draining;
	bool drained;      /* and the master knows                                      */
	bool ending;       /* at once                                                   */
	bool write_failed; /* said once                                                 */
	int status;        /* exit status when ending                                   */
	struct trim trim;
	struct http_time now;
	uint8_t packet[TUN_PACKET_MAX];
};

/* ------------------------------------------------------------------ setting up */

static void read_clock(struct worker *w)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME_COARSE, &wall);
	w->now.mono_us = (uint64_t)mono.tv_sec * 1000000 + (uint64_t)mono.tv_nsec / 1000;
	w->now.wall = wall.tv_sec;
	w->now.wall_ms = (unsigned)(wall.tv_nsec / 1000000);
}

static void on_access(void *ctx, const struct http_log_entry *entry)
{
	struct worker *w = ctx;

	log_access(w->log, entry);
}

static void on_tls_failed(void *ctx, const struct app_client *client, const char *why)
{
	struct worker *w = ctx;

	if (w->cfg->options->log != LOG_OFF)
		log_client(w->log, w->now.wall, client, why);
}

static void on_closed(void *ctx, const struct app_client *client, const struct app_ending *ending)
{
	struct worker *w = ctx;
	const char *notice = close_reason_notice(ending->reason);

	log_connection(w->log, w->now, client, ending);
	if (notice && w->cfg->options->log != LOG_OFF)
		log_client(w->log, w->now.wall, client, notice);
}

/* The limit of requests for each client; every site has an account of its own. */
static int on_request(void *ctx, void *user, size_t site, unsigned *retry_after)
{
	struct worker *w = ctx;
	const struct app_client *client = user;

	if (!client)
		return 0;
	*retry_after =
		limits_request(&w->limits, &client->remote.addr, (uint32_t)site,
			       &sites_options(w->cfg->options, site)->requests, w->now.mono_us);
	if (*retry_after == 0)
		return 0;
	if (w->cfg->options->log != LOG_OFF)
		log_client(w->log, w->now.wall, client,
			   "too-many-requests: answered with 429 because of --limit-requests");
	return 429;
}

static void on_keylog(void *ctx, const char *line, size_t len)
{
	const struct worker *w = ctx;

	keylog_write(w->cfg->keylog_fd, line, len);
}

/* A context of these secrets, or NULL; then the reason has been logged. */
static struct tls_context *new_tls(struct worker *w, const struct secrets *secrets)
{
	static const char *const alpn[] = {"h2", "http/1.1", "http/1.0", NULL};
	struct tls_config cfg;
	char error[TLS_ERROR_SIZE];

	identities_config(&secrets->identities, w->cfg->options, &cfg);
	cfg.alpn = w->cfg->options->http2 ? alpn : alpn + 1;
	struct tls_context *tls = tls_context_create(&cfg, error);
	if (tls && w->cfg->keylog_fd >= 0)
		tls_context_set_keylog(tls, &(struct tls_keylog){on_keylog, w});
	if (tls && (!secrets->has_tickets ||
		    tls_context_set_ticket_keys(tls, &secrets->tickets, error) == 0))
		return tls;
	log_error("%s", error);
	tls_context_destroy(tls);
	return NULL;
}

static bool make_tls(struct worker *w)
{
	if (w->cfg->options->https == 0)
		return true;
	w->tls = new_tls(w, w->cfg->secrets);
	return w->tls != NULL;
}

/* New ticket keys, or a new certificate: connections that are open keep the context that they have. */
static void take_secrets(struct worker *w, int fd)
{
	struct secrets secrets;
	char error[TLS_ERROR_SIZE];

	if (!secrets_receive(&secrets, fd)) {
		log_error("out of memory for new certificates: the old ones stay in use");
		return;
	}
	if (secrets.same_identities) {
		if (tls_context_set_ticket_keys(w->tls, &secrets.tickets, error) != 0)
			log_error("%s", error);
	} else {
		struct tls_context *tls = new_tls(w, &secrets);
		if (tls) {
			tls_context_destroy(w->tls);
			w->tls = tls;
			app_set_tls(w->app, tls);
		}
	}
	identities_free(&secrets.identities);
	explicit_bzero(&secrets.tickets, sizeof secrets.tickets);
}

static void set_limits(struct http_server_config *cfg, const struct option_limits *l)
{
	cfg->max_head = l->head_size;
	cfg->max_target = l->target_size;
	cfg->max_fields = l->fields;
	cfg->max_body = l->body_size;
	cfg->max_requests = l->requests;
	cfg->max_ranges = l->ranges;
	cfg->max_pipeline = l->pipeline;
	cfg->body_timeout_us = l->body_timeout_us;
	cfg->min_receive = (struct http_rate_min){l->receive_rate, l->rate_window_us};
	cfg->min_send = (struct http_rate_min){l->send_rate, l->rate_window_us};
}

static bool make_http(struct worker *w)
{
	const struct options *o = w->cfg->options;
	struct http_server_config cfg;

	http_server_config_default(&cfg);
	cfg.sites = w->cfg->sites->site;
	cfg.site_count = w->cfg->sites->count;
	cfg.https_port = o->https;
	cfg.check_password = passwords_check;
	cfg.password_ctx = &w->passwords;
	cfg.strict_hosts = o->strict_hosts;
	cfg.header_timeout_us = o->header_timeout_us;
	cfg.idle_timeout_us = o->idle_timeout_us;
	set_limits(&cfg, &o->limits);
	option_files_apply(&o->files, &cfg);
	cfg.mime = w->cfg->mime;
	cfg.stall_timeout_us = o->send_timeout_us;
	cfg.admit = on_request;
	cfg.admit_ctx = w;
	cfg.log = o->log == LOG_OFF ? NULL : on_access;
	cfg.log_ctx = w;
	cfg.send_request_id = o->request_id;
	if (!passwords_init(&w->passwords)) {
		log_error("out of memory for passwords");
		return false;
	}
	if (getrandom(&cfg.seed, sizeof cfg.seed, 0) != (ssize_t)sizeof cfg.seed ||
	    getrandom(cfg.request_id_key, sizeof cfg.request_id_key, 0) !=
		    (ssize_t)sizeof cfg.request_id_key) {
		log_error("no random numbers for the server: %m");
		return false;
	}
	w->http = http_server_create(&cfg);
	if (!w->http)
		log_error("cannot serve the sites: %m");
	else if (o->files.cache && !http_server_watches_files(w->http))
		log_error("no inotify for the file cache: files are looked at once a second");
	if (w->http && o->files.compress && !http_server_compresses(w->http))
		log_error("no thread for compressing: files are served as they are");
	return w->http != NULL;
}

static bool make_stack(struct worker *w)
{
	const struct options *o = w->cfg->options;
	struct stack_config cfg;

	stack_config_default(&cfg);
	cfg.addr[0] = o->address.stack;
	cfg.addr_count = 1;
	if (w->cfg->address6.version == 6)
		cfg.addr[cfg.addr_count++] = w->cfg->address6;
	cfg.mtu = w->cfg->mtu;
	cfg.checksum_offload = cfg.tso = w->cfg->offload;
	/* Some more for those that are closing, and memory for all to be idle. */
	if (cfg.max_connections < o->limits.connections + o->limits.connections / 8)
		cfg.max_connections = o->limits.connections + o->limits.connections / 8;
	if (cfg.memory_limit < cfg.max_connections * (size_t)CONNECTION_MEMORY)
		cfg.memory_limit = cfg.max_connections * (size_t)CONNECTION_MEMORY;
	cfg.ecn = o->ecn;
	cfg.user_timeout_us = o->tcp_timeout_us;
	cfg.keepalive_us = o->tcp_keepalive_us;
	if (cfg.keepalive_us > 0 && cfg.keepalive_us < cfg.keepalive_interval_us)
		cfg.keepalive_interval_us = cfg.keepalive_us;
	if (cfg.fin_wait_2_us > o->tcp_timeout_us)
		cfg.fin_wait_2_us = o->tcp_timeout_us;
	cfg.fastopen = o->fast_open;
	memcpy(cfg.fastopen_key, w->cfg->fastopen, sizeof cfg.fastopen_key);
	if (getrandom(cfg.seed, sizeof cfg.seed, 0) != (ssize_t)sizeof cfg.seed) {
		log_error("no random numbers for the stack: %m");
		return false;
	}
	w->stack = stack_create(&cfg);
	explicit_bzero(cfg.seed, sizeof cfg.seed);
	explicit_bzero(cfg.fastopen_key, sizeof cfg.fastopen_key);
	if (!w->stack)
		log_error("out of memory for the TCP/IP stack");
	return w->stack != NULL;
}

static bool make_app(struct worker *w)
{
	const struct options *o = w->cfg->options;
	struct app_config cfg;

	app_config_default(&cfg);
	cfg.stack = w->stack;
	cfg.http = w->http;
	cfg.tls = w->tls;
	cfg.http_port = o->http;
	cfg.https_port = o->https;
	cfg.http2_clear = o->http2_clear;
	cfg.lend = w->cfg->offload;
	cfg.max_handshakes = o->max_handshakes;
	cfg.handshake_timeout_us = o->handshake_timeout_us;
	cfg.send_timeout_us = o->send_timeout_us;
	cfg.max_connections = o->limits.connections;
	cfg.limits = &w->limits;
	cfg.min_send = (struct http_rate_min){o->limits.send_rate, o->limits.rate_window_us};
	cfg.linger_timeout_us = o->linger_timeout_us;
	cfg.tls_failed = on_tls_failed;
	cfg.closed = on_closed;
	cfg.ctx = w;
	w->app = app_create(&cfg);
	if (!w->app)
		log_error("out of memory for the server");
	return w->app != NULL;
}

/* SIGTERM drains, also when a service manager sends it to every process of the group. SIGINT comes from
 * a terminal to all of us: the master acts on it. */
static bool make_signals(struct worker *w)
{
	sigset_t mask;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	w->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (w->signal_fd < 0)
		log_error("cannot receive signals: %m");
	return w->signal_fd >= 0;
}

/* A layout of these lines, which the options have tried already. */
static bool new_layout(enum log_subject subject, const char *text, struct log_layout **out)
{
	char error[LOG_LAYOUT_ERROR_SIZE];

	*out = log_layout_create(text, subject, error);
	if (!*out)
		log_error("%s", error);
	return *out != NULL;
}

static bool make_log(struct worker *w)
{
	const struct options *o = w->cfg->options;
	struct log_layout *requests = NULL, *connections = NULL;

	if ((o->log != LOG_OFF && !new_layout(LOG_REQUEST, o->log_text, &requests)) ||
	    (o->log_connections &&
	     !new_layout(LOG_CONNECTION, o->log == LOG_JSON ? "json" : "combined", &connections)))
		goto fail;
	w->log = malloc(sizeof *w->log);
	if (!w->log) {
		log_error("out of memory for the log");
		goto fail;
	}
	tzset(); /* the lines of syslog have local time */
	log_init(w->log, requests, connections, &o->log_target, w->cfg->log_fd);
	return true;
fail:
	log_layout_destroy(requests);
	return false;
}

static bool set_up(struct worker *w)
{
	char error[PRIVILEGES_ERROR_SIZE];

	if (!make_signals(w))
		return false;
	if (!privileges_drop(&w->cfg->identity, error)) {
		log_error("%s", error);
		return false;
	}
	/* After the change of user, which clears it. The master may be gone already. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != w->cfg->master)
		return false;
	/* TLS and the log, for its time zone, read of the system what they need; HTTP has a thread. */
	return make_log(w) && make_tls(w) &&
	       sandbox_lock_files(w->cfg->options, w->cfg->sites, false) && make_http(w) &&
	       make_stack(w) && make_app(w) && sandbox_lock_calls(w->cfg->options, false);
}

/* ------------------------------------------------------------------ packets */

/* Returns false when the batch was full, so there may be more at once. */
static bool read_packets(struct worker *w)
{
	for (int i = 0; i < BATCH_PACKETS; i++) {
		struct packet_meta meta;
		const ssize_t n = tun_read(w->cfg->tun_fd, w->cfg->offload, w->packet,
					   sizeof w->packet, &meta);
		if (n == 0)
			return true;
		if (n < 0) {
			log_error("the TUN device %s is gone: %m", w->cfg->options->tun);
			w->ending = true;
			w->status = WORKER_EXIT_LINK_GONE;
			return true;
		}
		stack_input(w->stack, w->now.mono_us, w->packet, (size_t)n, meta);
		trim_note(&w->trim, w->now.mono_us);
	}
	return false;
}

/* The device takes a packet or refuses it at once, mostly. A refused packet is a lost packet. */
static void write_packet(struct worker *w, const struct packet_out *out)
{
	struct pollfd p = {.fd = w->cfg->tun_fd, .events = POLLOUT};

	for (int tries = 0; !tun_write(w->cfg->tun_fd, w->cfg->offload, out); tries++) {
		if ((errno == EAGAIN || errno == ENOBUFS) && tries < WRITE_TRIES) {
			poll(&p, 1, WRITE_WAIT_MS);
			continue;
		}
		if (errno == EFAULT) { /* a file that is lent to the stack was cut short */
			stack_output_unreadable(w->stack);
			return;
		}
		if (!w->write_failed && errno != EAGAIN && errno != ENOBUFS)
			log_error("the TUN device %s refuses packets: %m (is it up?)",
				  w->cfg->options->tun);
		w->write_failed = true;
		return;
	}
	w->write_failed = false;
}

static void write_packets(struct worker *w)
{
	struct packet_out out;

	while (stack_output(w->stack, w->now.mono_us, &out) > 0)
		write_packet(w, &out);
}

/* ------------------------------------------------------------------ the loop */

static void drain(struct worker *w)
{
	w->draining = true;
	app_drain(w->app, w->now);
}

/* Nothing is under way any more. The worker stays until it is told to end: its queue still gets packets,
 * and a client that is refused at once is better off than one that nobody answers. */
static void say_drained(struct worker *w)
{
	const char word = WORKER_CONTROL_DRAINED;

	w->drained = true;
	if (send(w->cfg->control_fd, &word, 1, MSG_NOSIGNAL) != 1)
		w->ending = true;
}

/* We may make no socket. What cannot be said now is said in a second, when the log fails again. */
static void ask_for_log(struct worker *w)
{
	if (log_wants_sink(w->log))
		(void)!send(w->cfg->control_fd, &(char){WORKER_CONTROL_SYSLOG}, 1, MSG_DONTWAIT);
}

static void read_control(struct worker *w)
{
	char what;
	int fd;
	const long n = control_read(w->cfg->control_fd, &what, &fd);

	if (n == 1 && what == WORKER_CONTROL_DRAIN)
		drain(w);
	else if (n == 1 && what == WORKER_CONTROL_SECRETS && fd >= 0 && w->tls)
		take_secrets(w, fd);
	else if (n == 1 && what == WORKER_CONTROL_LOG && fd >= 0)
		log_reopen(w->log, w->now, fd);
	else if (n == 1 && fd >= 0)
		close(fd);
	else if (n == 0 || (n < 0 && errno != EINTR))
		w->ending = true;
}

static void read_signal(struct worker *w)
{
	struct signalfd_siginfo info;

	while (read(w->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		drain(w);
}

static uint64_t next_timeout(const struct worker *w)
{
	uint64_t next = stack_next_timeout(w->stack);

	if (log_retry_at(w->log) < next)
		next = log_retry_at(w->log);
	return w->trim.due_us < next ? w->trim.due_us : next;
}

/* Sleeps until a packet, a word of the master, a signal, room in the log or the next timeout. */
static void wait_for_work(struct worker *w, bool at_once)
{
	struct pollfd fds[] = {{.fd = w->cfg->tun_fd, .events = POLLIN},
			       {.fd = w->cfg->control_fd, .events = POLLIN},
			       {.fd = w->signal_fd, .events = POLLIN},
			       {.fd = log_waits_for_room(w->log) ? w->log->sink.fd : -1,
				.events = POLLOUT},
			       {.fd = http_server_event_fd(w->http), .events = POLLIN}};
	const uint64_t timeout = next_timeout(w);
	struct timespec ts = {0};

	if (!at_once && timeout > w->now.mono_us) {
		const uint64_t us = timeout - w->now.mono_us;
		ts.tv_sec = (time_t)(us / 1000000);
		ts.tv_nsec = (long)(us % 1000000) * 1000;
	}
	const int n = ppoll(fds, 5, !at_once && timeout == UINT64_MAX ? NULL : &ts, NULL);
	read_clock(w);
	if (n <= 0)
		return;
	if (fds[1].revents)
		read_control(w);
	if (fds[2].revents)
		read_signal(w);
}

static void loop(struct worker *w)
{
	bool at_once = false;

	while (!w->ending) {
		wait_for_work(w, at_once);
		trim_run(&w->trim, w->now.mono_us);
		const bool drained_queue = read_packets(w);
		http_server_refresh(w->http);
		stack_advance(w->stack, w->now.mono_us);
		at_once = app_run(w->app, w->now) || !drained_queue;
		write_packets(w);
		log_flush(w->log, w->now);
		ask_for_log(w);
		if (w->draining && !w->drained && app_drained(w->app))
			say_drained(w);
	}
}

static void tear_down(struct worker *w)
{
	if (w->app) {
		app_destroy(w->app); /* resets whom it still serves */
		write_packets(w);
	}
	stack_destroy(w->stack);
	http_server_destroy(w->http);
	passwords_free(&w->passwords);
	if (w->tls)
		tls_context_destroy(w->tls);
	if (w->log)
		log_end(w->log, w->now);
	free(w->log);
	if (w->signal_fd >= 0)
		close(w->signal_fd);
}

static bool say_ready(int fd)
{
	const char ready = WORKER_READY;

	if (fd < 0)
		return true;
	const bool said = write(fd, &ready, 1) == 1;
	close(fd);
	return said;
}

int worker_run(const struct worker_config *cfg)
{
	struct worker *w = calloc(1, sizeof *w);

	if (!w) {
		log_error("out of memory for a worker");
		return EXIT_RUNTIME;
	}
	w->cfg = cfg;
	w->signal_fd = -1;
	trim_init(&w->trim);
	w->status = EXIT_RUNTIME;
	w->limits = (struct limits){
		.table = cfg->limits,
		.worker = cfg->number,
		.client_connections = cfg->options->limits.client_connections,
		.exempt = cfg->options->limits.exempt,
	};
	limits_begin(&w->limits);
	read_clock(w);
	if (set_up(w) && say_ready(cfg->ready_fd)) {
		w->status = 0;
		loop(w);
	}
	const int status = w->status;
	tear_down(w);
	free(w);
	return status;
}
