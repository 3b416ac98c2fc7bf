/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c — see link.h. The loop: packets from both devices into their paths, what is due out of the paths
 * into the device across, sleep until a packet arrives or is due. What happens in between is link_path.c.
 */
#include "lab/link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "lab/link_device.h"
#include "lab/link_options.h"
#include "lab/link_path.h"
#include "server/log.h"
#include "server/options.h"
#include "server/privileges.h"

#define BATCH_PACKETS 64 /* read from one device before what is due goes out */
#define NS_PER_SECOND 1000000000u

/* Path i leads from device i to device 1 - i. */
struct link_run {
	struct link_options options;
	struct tun_device dev[2];
	struct link_path *path[2];
	uint64_t refused[2]; /* packets that device 1 - i did not take */
	int signal_fd;
	uint64_t now_ns;
	bool ending;
	int status;
	uint8_t buf[LINK_PACKET_MAX];
};

static void read_clock(struct link_run *run)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	run->now_ns = (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------------------ what is said */

static const char *const direction[] = {"left to right", "right to left"};

static void announce(const struct link_run *run)
{
	const struct link_options *o = &run->options;

	fprintf(stderr, "link   seed %llu\n", (unsigned long long)o->seed);
	for (unsigned i = 0; i < 2; i++)
		fprintf(stderr, "  %-5s  %s in %s\n", i == 0 ? "left" : "right", run->dev[i].name,
			o->side[i].netns[0] ? o->side[i].netns : "the current namespace");
	for (unsigned i = 0; i < 2; i++) {
		fprintf(stderr, "  %s: ", direction[i]);
		link_config_print(&o->path[i], stderr);
		fputc('\n', stderr);
	}
	fprintf(stderr, "stop:  Ctrl-C; counters: kill -USR1 %d\n", (int)getpid());
}

static void print_counts(const struct link_run *run)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct link_counts *c = link_path_counts(run->path[i]);
		printf("%s:", direction[i]);
#define X(name, text) printf(" %llu %s,", (unsigned long long)c->name, text);
		LINK_COUNTS(X)
#undef X
		printf(" %llu refused by the device, %llu bytes in, %llu bytes out\n",
		       (unsigned long long)run->refused[i], (unsigned long long)c->bytes_entered,
		       (unsigned long long)c->bytes_delivered);
	}
	fflush(stdout);
}

/* ------------------------------------------------------------------ packets */

static void end(struct link_run *run, int status)
{
	run->ending = true;
	run->status = status;
}

static void write_packet(struct link_run *run, unsigned from, unsigned to, struct link_packet *p)
{
	if (!link_device_write(&run->dev[to], p))
		run->refused[from] += p->wire_packets;
	link_packet_free(p);
}

/* Returns false when the batch was full, so there may be more at once. */
static bool read_packets(struct link_run *run, unsigned i)
{
	for (int n = 0; n < BATCH_PACKETS; n++) {
		int err;
		struct link_packet *p = link_device_read(&run->dev[i], run->buf, &err);
		if (err != 0) {
			log_error("cannot read from the TUN device %s: %s", run->dev[i].name,
				  strerror(err));
			end(run, EXIT_RUNTIME);
		}
		if (!p)
			return true;
		link_path_input(run->path[i], run->now_ns, p);
	}
	return false;
}

static void write_packets(struct link_run *run, unsigned i)
{
	struct link_packet *p;

	while ((p = link_path_reply(run->path[i])) != NULL)
		write_packet(run, i, i, p);
	while ((p = link_path_output(run->path[i], run->now_ns)) != NULL)
		write_packet(run, i, 1 - i, p);
}

static void read_signals(struct link_run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGUSR1)
			print_counts(run);
		else
			end(run, 0);
	}
}

/* How long poll may sleep; NULL: until something arrives. */
static const struct timespec *sleep_time(const struct link_run *run, bool more,
					 struct timespec *out)
{
	const uint64_t left = link_path_next(run->path[0]), right = link_path_next(run->path[1]);
	const uint64_t next = left < right ? left : right;
	const uint64_t ns = more || next <= run->now_ns ? 0 : next - run->now_ns;

	if (!more && next == UINT64_MAX)
		return NULL;
	*out = (struct timespec){.tv_sec = (time_t)(ns / NS_PER_SECOND),
				 .tv_nsec = (long)(ns % NS_PER_SECOND)};
	return out;
}

static void run_loop(struct link_run *run)
{
	struct pollfd fds[] = {{.fd = run->dev[0].queue[0], .events = POLLIN},
			       {.fd = run->dev[1].queue[0], .events = POLLIN},
			       {.fd = run->signal_fd, .events = POLLIN}};
	bool more = false;

	while (!run->ending) {
		struct timespec t;
		read_clock(run);
		if (ppoll(fds, 3, sleep_time(run, more, &t), NULL) < 0 && errno != EINTR) {
			log_error("cannot wait for packets: %m");
			end(run, EXIT_RUNTIME);
		}
		read_clock(run);
		more = false;
		for (unsigned i = 0; i < 2; i++)
			if (fds[i].revents != 0 && !read_packets(run, i))
				more = true;
		for (unsigned i = 0; i < 2; i++)
			write_packets(run, i);
		if (fds[2].revents != 0)
			read_signals(run);
	}
}

/* ------------------------------------------------------------------ set up, take down */

static bool make_signals(struct link_run *run)
{
	sigset_t mask;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	run->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	/* A sleep ends when it should: by default it may last 50 µs longer (prctl(2)). */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	if (run->signal_fd < 0)
		log_error("cannot receive signals: %m");
	return run->signal_fd >= 0;
}

static bool make_paths(struct link_run *run)
{
	struct link_options *o = &run->options;

	if (!o->seed_given && getrandom(&o->seed, sizeof o->seed, 0) != (ssize_t)sizeof o->seed) {
		log_error("no random number for the seed: %m");
		return false;
	}
	for (unsigned i = 0; i < 2; i++) {
		/* What one device gives, the other may not be able to take. */
		if (!run->dev[0].offload || !run->dev[1].offload)
			o->path[i].segment = true;
		run->path[i] = link_path_create(&o->path[i], o->seed, i);
		if (!run->path[i]) {
			log_error("out of memory for the link");
			return false;
		}
	}
	return true;
}

/* With the devices open, nothing else is needed; and what it reads may come from anywhere. */
static bool drop_privileges(void)
{
	char error[PRIVILEGES_ERROR_SIZE];
	struct identity id;

	if (!privileges_identity(&id, "nobody", false, error))
		id = (struct identity){.uid = geteuid(), .gid = getegid()};
	if (privileges_drop(&id, error))
		return true;
	log_error("%s", error);
	return false;
}

static int run_link(struct link_run *run)
{
	char note[TUN_ERROR_SIZE], error[LINK_ERROR_SIZE];

	if (!make_signals(run))
		return EXIT_RUNTIME;
	const int status = link_devices_open(run->dev, &run->options, note, error);
	if (status != 0) {
		log_error("%s", error);
		return status;
	}
	if (note[0] != '\0')
		log_error("%s", note);
	if (!drop_privileges() || !make_paths(run))
		return EXIT_RUNTIME;
	announce(run);
	run_loop(run);
	print_counts(run);
	return run->status;
}

int link_command(int argc, char *const argv[])
{
	struct link_run *run = calloc(1, sizeof *run);
	char error[LINK_ERROR_SIZE];

	if (!run) {
		log_error("out of memory for the link");
		return EXIT_RUNTIME;
	}
	run->signal_fd = -1;
	int status = link_options_parse(&run->options, argc, argv, error);
	if (status != 0)
		log_error("%s", error);
	else if (run->options.help)
		link_options_print_help(stdout);
	else
		status = run_link(run);
	for (unsigned i = 0; i < 2; i++) {
		link_path_destroy(run->path[i]);
		tun_close(&run->dev[i]);
	}
	if (run->signal_fd >= 0)
		close(run->signal_fd);
	free(run);
	return status;
}
