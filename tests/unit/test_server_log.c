/* SPDX-License-Identifier: Apache-2.0 */
/* Where the access log goes: pipes whose reader is slow or gone, files that are put aside, full disks, syslog. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/log_facts.h"

#define LAYOUT "$request_id $tcp_rtt_us ................................................"

struct place {
	char dir[64], path[128], second[128];
	struct log *log;
	struct log_target target;
	struct http_time now;
	int saved_stderr, said; /* what is said on standard error can be read from `said` */
};

static struct example ex;

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	int fd[2];

	strcpy(p->dir, "/tmp/tunhttpd-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof p->path, "%s/log", p->dir);
	snprintf(p->second, sizeof p->second, "%s/log.1", p->dir);
	p->log = malloc(sizeof *p->log);
	p->now = (struct http_time){.mono_us = 1000000, .wall = WALL};
	p->saved_stderr = dup(STDERR_FILENO);
	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	dup2(fd[1], STDERR_FILENO);
	close(fd[1]);
	p->said = fd[0];
	make_example(&ex);
	ex.client.tcp = NULL;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	dup2(p->saved_stderr, STDERR_FILENO);
	close(p->saved_stderr);
	close(p->said);
	unlink(p->path);
	unlink(p->second);
	rmdir(p->dir);
	free(p->log);
	free(p);
	return 0;
}

static void begin(struct place *p, const char *target, int fd)
{
	assert_true(log_target_parse(target, &p->target));
	log_init(p->log, layout_of(LAYOUT, LOG_REQUEST), NULL, &p->target, fd);
}

/* Opens what `target` names. */
static void begin_at(struct place *p, const char *target)
{
	char error[LOG_SINK_ERROR_SIZE] = "";
	struct log_target parsed;

	assert_true(log_target_parse(target, &parsed));
	const int fd = log_target_open(&parsed, error);
	if (fd < 0)
		fail_msg("%s", error);
	begin(p, target, fd);
}

static void add(struct place *p, int count)
{
	for (int i = 0; i < count; i++)
		log_access(p->log, &ex.entry);
}

/* Whole lines that can be read now. */
static size_t lines_from(int fd)
{
	static char buf[65536];
	size_t lines = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	return lines;
}

static bool has_said(struct place *p, const char *what)
{
	char text[4096];
	const ssize_t n = read(p->said, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	return what ? strstr(text, what) != NULL : n > 0;
}

/* ------------------------------------------------------------------ what can be asked for */

static void test_targets(void **state)
{
	static const struct {
		const char *text;
		enum log_target_kind kind;
		const char *path;
		int facility;
	} good[] = {
		{"-", LOG_TO_STDOUT, NULL, 0},
		{"stderr", LOG_TO_STDERR, NULL, 0},
		{"/var/log/x", LOG_TO_FILE, "/var/log/x", 0},
		{"./stderr", LOG_TO_FILE, "./stderr", 0},
		{"syslogs", LOG_TO_FILE, "syslogs", 0},
		{"syslog", LOG_TO_SYSLOG, "/dev/log", 23},
		{"syslog:daemon", LOG_TO_SYSLOG, "/dev/log", 3},
		{"syslog:local0", LOG_TO_SYSLOG, "/dev/log", 16},
		{"syslog:user:/run/s", LOG_TO_SYSLOG, "/run/s", 1},
		{"syslog:/run/s", LOG_TO_SYSLOG, "/run/s", 23},
	};
	static const char *const bad[] = {"",           "syslog:",         "syslog:local8",
					  "syslog:x:/", "syslog:user:",    "syslog:user:relative",
					  "syslog::/s", "syslog:user:x:/s"};
	char longest[200] = "syslog:/";
	struct log_target t;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(log_target_parse(good[i].text, &t));
		assert_int_equal(t.kind, good[i].kind);
		if (good[i].path)
			assert_string_equal(t.path, good[i].path);
		assert_int_equal(t.facility, good[i].facility);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(log_target_parse(bad[i], &t));
	memset(longest + 8, 'x', 106);
	assert_true(log_target_parse(longest, &t));
	longest[8 + 106] = 'x';
	assert_false(log_target_parse(longest, &t)); /* sun_path holds 107 characters */
}

static void test_check_makes_nothing(void **state)
{
	struct place *p = *state;
	char error[LOG_SINK_ERROR_SIZE];
	struct log_target t;
	char missing[256];

	assert_true(log_target_parse(p->path, &t));
	assert_true(log_target_check(&t, error));
	assert_int_equal(access(p->path, F_OK), -1);
	snprintf(missing, sizeof missing, "%s/no/log", p->dir);
	assert_true(log_target_parse(missing, &t));
	assert_false(log_target_check(&t, error));
	assert_non_null(strstr(error, "/no/log: No such file or directory"));
	assert_int_equal(log_target_open(&t, error), -1);
	snprintf(missing, sizeof missing, "syslog:%s", p->path);
	assert_true(log_target_parse(missing, &t));
	assert_false(log_target_check(&t, error));
	assert_non_null(strstr(error, "cannot reach the system's log at "));
}

/* ------------------------------------------------------------------ pipes */

static int begin_pipe(struct place *p)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	begin(p, "-", fd[1]);
	return fd[0];
}

static void test_lines_are_written_when_flushed(void **state)
{
	struct place *p = *state;
	const int fd = begin_pipe(p);

	add(p, 2);
	assert_int_equal(lines_from(fd), 0);
	log_flush(p->log, p->now);
	assert_int_equal(lines_from(fd), 2);
	log_end(p->log, p->now);
	assert_false(has_said(p, NULL));
	close(fd);
}

/* What the pipe does not take stays here; what does not fit here is lost, counted and told. */
static void test_slow_reader(void **state)
{
	struct place *p = *state;
	const int fd = begin_pipe(p);
	size_t lines = 0;

	add(p, 5000);
	log_flush(p->log, p->now);
	assert_true(log_waits_for_room(p->log));
	assert_true(log_retry_at(p->log) == UINT64_MAX);
	const uint64_t lost = p->log->lost;
	assert_true(lost > 0);
	assert_false(has_said(p, NULL));
	for (size_t got = 1; got > 0; lines += got) {
		got = lines_from(fd);
		p->now.mono_us += 2000000;
		log_flush(p->log, p->now);
	}
	assert_int_equal(lines + lost, 5000); /* none is cut or counted twice */
	assert_false(log_waits_for_room(p->log));
	assert_true(has_said(p, "lines of the access log were lost"));
	assert_int_equal(p->log->lost, 0);
	add(p, 1);
	log_flush(p->log, p->now);
	assert_int_equal(lines_from(fd), 1);
	log_end(p->log, p->now);
	close(fd);
}

/* A pipe that is full when the server ends gets some time; then what is left is told. */
static void test_reader_that_is_stuck_at_the_end(void **state)
{
	struct place *p = *state;
	const int fd = begin_pipe(p);

	add(p, 5000);
	log_flush(p->log, p->now);
	log_end(p->log, p->now);
	assert_true(has_said(p, "lines of the access log were lost"));
	assert_int_equal(p->log->lost_in_all + lines_from(fd), 5000);
	close(fd);
}

static void test_reader_that_reads_at_the_end(void **state)
{
	struct place *p = *state;
	const int fd = begin_pipe(p);
	const int count = 1200; /* more than a pipe holds, less than that and the buffer */

	add(p, count / 2);
	log_flush(p->log, p->now);
	add(p, count / 2);
	log_flush(p->log, p->now);
	assert_true(log_waits_for_room(p->log));
	assert_int_equal(p->log->lost, 0);
	const pid_t reader = fork();
	if (reader == 0) {
		size_t lines = 0;
		close(p->log->sink.fd);
		fcntl(fd, F_SETFL, 0);
		lines = lines_from(fd);
		_exit(lines == (size_t)count ? 0 : 1);
	}
	int status;
	log_end(p->log, p->now);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	assert_false(has_said(p, NULL));
	close(fd);
}

static void test_reader_that_is_gone(void **state)
{
	struct place *p = *state;

	close(begin_pipe(p));
	add(p, 3);
	log_flush(p->log, p->now);
	assert_true(has_said(p, "the access log cannot be written: Broken pipe; going on without"));
	add(p, 3);
	log_flush(p->log, p->now);
	assert_false(log_waits_for_room(p->log));
	log_end(p->log, p->now);
	assert_false(has_said(p, NULL));
}

/* The pipe is shared with other processes: that it does not block us does not change what they see. */
static void test_standard_output_keeps_its_flags(void **state)
{
	struct place *p = *state;
	const int saved = dup(STDOUT_FILENO);
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	fflush(stdout);
	dup2(fd[1], STDOUT_FILENO);
	begin_at(p, "-");
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_true(fcntl(p->log->sink.fd, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(fd[1], F_GETFL) & O_NONBLOCK);
	assert_false(p->log->sink.may_block);
	add(p, 1);
	log_end(p->log, p->now);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(lines_from(fd[0]), 1);
	close(fd[0]);
	close(fd[1]);
}

/* ------------------------------------------------------------------ files */

static size_t lines_in_file(const char *path)
{
	const int fd = open(path, O_RDONLY);
	const size_t lines = lines_from(fd);

	close(fd);
	return lines;
}

static void test_file_that_is_put_aside(void **state)
{
	struct place *p = *state;
	char error[LOG_SINK_ERROR_SIZE];
	struct stat st;

	begin_at(p, p->path);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640u, 0);
	add(p, 3);
	log_flush(p->log, p->now);
	add(p, 2); /* not written yet: they are still the old file's */
	assert_int_equal(rename(p->path, p->second), 0);
	log_reopen(p->log, p->now, log_target_open(&p->target, error));
	add(p, 4);
	log_flush(p->log, p->now);
	assert_int_equal(lines_in_file(p->second), 5);
	assert_int_equal(lines_in_file(p->path), 4);
	log_end(p->log, p->now);
	/* what is there is kept */
	begin_at(p, p->path);
	add(p, 1);
	log_end(p->log, p->now);
	assert_int_equal(lines_in_file(p->path), 5);
	assert_false(has_said(p, NULL));
}

/* /dev/full is a full disk. */
static void test_full_disk(void **state)
{
	struct place *p = *state;
	const int full = open("/dev/full", O_WRONLY | O_NONBLOCK);
	char error[LOG_SINK_ERROR_SIZE];

	assert_true(full >= 0);
	begin(p, p->path, full);
	add(p, 2);
	log_flush(p->log, p->now);
	assert_true(has_said(p, "the access log cannot be written: No space left on device"));
	assert_false(log_waits_for_room(p->log));
	assert_true(log_retry_at(p->log) == p->now.mono_us + 1000000);
	p->now.mono_us += 1000000;
	log_flush(p->log, p->now);
	assert_false(has_said(p, NULL)); /* once */
	log_reopen(p->log, p->now, log_target_open(&p->target, error));
	add(p, 1);
	log_flush(p->log, p->now);
	assert_true(log_retry_at(p->log) == UINT64_MAX);
	assert_int_equal(lines_in_file(p->path), 3);
	log_end(p->log, p->now);
}

/* A disk that fills up within a line: it goes on there, or not at all. */
static void test_disk_that_fills_up_within_a_line(void **state)
{
	struct place *p = *state;
	char error[LOG_SINK_ERROR_SIZE], *line;

	begin_at(p, p->path);
	add(p, 3);
	/* as after a write that took ten bytes of the first line */
	line = p->log->buf;
	memmove(line, line + 10, p->log->len - 10);
	p->log->len -= 10;
	p->log->inside_line = true;
	const int full = open("/dev/full", O_WRONLY | O_NONBLOCK);
	dup2(full, p->log->sink.fd);
	close(full);
	log_flush(p->log, p->now);
	log_reopen(p->log, p->now, log_target_open(&p->target, error));
	log_flush(p->log, p->now);
	assert_int_equal(p->log->lost_in_all, 1);
	assert_int_equal(lines_in_file(p->path), 2);
	log_end(p->log, p->now);
	assert_true(has_said(p, "1 lines of the access log were lost"));
}

/* ------------------------------------------------------------------ syslog */

static int daemon_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	return fd;
}

static size_t datagrams_from(int fd, char last[LOG_LINE_MAX])
{
	size_t count = 0;
	ssize_t n;

	for (; (n = recv(fd, last, LOG_LINE_MAX - 1, 0)) > 0; count++)
		last[n] = '\0';
	return count;
}

static void test_syslog(void **state)
{
	struct place *p = *state;
	const int daemon = daemon_at(p->path);
	char target[256], last[LOG_LINE_MAX], expected[256];

	setenv("TZ", "UTC", 1);
	tzset();
	snprintf(target, sizeof target, "syslog:local3:%s", p->path);
	begin_at(p, target);
	add(p, 2);
	log_flush(p->log, p->now);
	assert_int_equal(datagrams_from(daemon, last), 2);
	/* local3 is 19, info 6 */
	snprintf(expected, sizeof expected, "<158>Nov 14 22:13:20 tunhttpd[%d]: %s - ..",
		 (int)getpid(), ex.entry.request_id);
	assert_memory_equal(last, expected, strlen(expected));
	assert_int_equal(last[strlen(last) - 1], '.'); /* and no newline */
	log_end(p->log, p->now);
	close(daemon);
}

/* The daemon ends and comes back: what was said in between waits for it. */
static void test_syslog_that_starts_anew(void **state)
{
	struct place *p = *state;
	int daemon = daemon_at(p->path);
	char target[256], last[LOG_LINE_MAX], error[LOG_SINK_ERROR_SIZE];

	snprintf(target, sizeof target, "syslog:%s", p->path);
	begin_at(p, target);
	add(p, 1);
	log_flush(p->log, p->now);
	assert_int_equal(datagrams_from(daemon, last), 1);
	close(daemon);
	unlink(p->path);
	add(p, 3);
	log_flush(p->log, p->now);
	assert_true(has_said(p, "the access log cannot be written"));
	assert_false(log_waits_for_room(p->log));
	daemon = daemon_at(p->path);
	log_flush(p->log, p->now); /* not at once */
	assert_int_equal(datagrams_from(daemon, last), 0);
	p->now.mono_us = log_retry_at(p->log);
	log_flush(p->log, p->now); /* nor through the old socket */
	assert_int_equal(datagrams_from(daemon, last), 0);
	assert_true(log_wants_sink(p->log));
	assert_false(log_wants_sink(p->log));
	log_reopen(p->log, p->now, log_target_open(&p->target, error));
	assert_false(log_wants_sink(p->log));
	log_flush(p->log, p->now);
	assert_int_equal(datagrams_from(daemon, last), 3);
	assert_true(log_retry_at(p->log) == UINT64_MAX);
	/* started anew so fast that nobody noticed: its socket is another all the same */
	close(daemon);
	daemon = daemon_at(p->path);
	add(p, 1);
	log_flush(p->log, p->now);
	assert_true(log_wants_sink(p->log));
	log_reopen(p->log, p->now, log_target_open(&p->target, error));
	log_flush(p->log, p->now);
	assert_int_equal(datagrams_from(daemon, last), 1);
	log_end(p->log, p->now);
	assert_int_equal(p->log->lost_in_all, 0);
	close(daemon);
}

/* A daemon reads slower than we write: nobody waits, and nothing is lost that fits into the buffer. */
static void test_syslog_that_is_slow(void **state)
{
	struct place *p = *state;
	const int daemon = daemon_at(p->path);
	char target[256], last[LOG_LINE_MAX];
	size_t got = 0;

	snprintf(target, sizeof target, "syslog:%s", p->path);
	begin_at(p, target);
	add(p, 600);
	log_flush(p->log, p->now);
	assert_true(log_waits_for_room(p->log));
	for (int i = 0; i < 600 && got < 600; i++) {
		got += datagrams_from(daemon, last);
		log_flush(p->log, p->now);
	}
	assert_int_equal(got, 600);
	assert_false(log_waits_for_room(p->log));
	log_end(p->log, p->now);
	assert_int_equal(p->log->lost_in_all, 0);
	close(daemon);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		IN_PLACE(test_check_makes_nothing),
		IN_PLACE(test_lines_are_written_when_flushed),
		IN_PLACE(test_slow_reader),
		IN_PLACE(test_reader_that_is_stuck_at_the_end),
		IN_PLACE(test_reader_that_reads_at_the_end),
		IN_PLACE(test_reader_that_is_gone),
		IN_PLACE(test_standard_output_keeps_its_flags),
		IN_PLACE(test_file_that_is_put_aside),
		IN_PLACE(test_full_disk),
		IN_PLACE(test_disk_that_fills_up_within_a_line),
		IN_PLACE(test_syslog),
		IN_PLACE(test_syslog_that_starts_anew),
		IN_PLACE(test_syslog_that_is_slow),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
