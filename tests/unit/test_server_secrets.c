/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets on their way from the master to a worker. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/control.h"
#include "server/secrets.h"

struct ends {
	int master, worker;
};

static int setup(void **state)
{
	struct ends *e = malloc(sizeof *e);
	int fd[2];

	assert_non_null(e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	*e = (struct ends){fd[0], fd[1]};
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct ends *e = *state;

	close(e->master);
	close(e->worker);
	free(e);
	return 0;
}

static struct tls_blob text(const char *bytes, const char *name)
{
	return (struct tls_blob){(const uint8_t *)bytes, strlen(bytes), name};
}

static void test_what_is_sent_arrives(void **state)
{
	const struct ends *e = *state;
	const struct secrets sent = {
		.identities = {.pair = {{text("a certificate", "/etc/c.pem"),
					 text("a key", "/etc/k.pem")},
					{text("another", "c2"), text("its key", "k2")}},
			       .count = 2,
			       .client_ca = text("authority", "/etc/ca.pem")},
		.tickets = {.current = {"cur", {1}}, .previous = {"pre", {2}}, .lifetime_s = 7},
		.has_tickets = true,
		.same_identities = true,
	};
	struct secrets got;
	char word = 0;
	int fd;

	assert_true(secrets_send(&sent, e->master, 's'));
	assert_int_equal(control_read(e->worker, &word, &fd), 1);
	assert_int_equal(word, 's');
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(secrets_receive(&got, fd));
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed */
	const struct identities *ids = &got.identities;
	assert_int_equal(ids->count, 2);
	assert_int_equal(ids->pair[0].cert.len, 13);
	assert_memory_equal(ids->pair[0].cert.data, "a certificate", 13);
	assert_string_equal(ids->pair[0].cert.name, "/etc/c.pem");
	assert_memory_equal(ids->pair[0].key.data, "a key", 5);
	assert_string_equal(ids->pair[0].key.name, "/etc/k.pem");
	assert_memory_equal(ids->pair[1].cert.data, "another", 7);
	assert_memory_equal(ids->pair[1].key.data, "its key", 7);
	assert_memory_equal(ids->client_ca.data, "authority", 9);
	assert_memory_equal(&got.tickets, &sent.tickets, sizeof sent.tickets);
	assert_true(got.has_tickets);
	assert_true(got.same_identities);
	identities_free(&got.identities);
}

static void test_nothing_is_a_value_too(void **state)
{
	const struct ends *e = *state;
	const struct secrets sent = {0};
	struct secrets got;
	char word = 0;
	int fd;

	assert_true(secrets_send(&sent, e->master, 's'));
	assert_int_equal(control_read(e->worker, &word, &fd), 1);
	assert_true(secrets_receive(&got, fd));
	assert_int_equal(got.identities.count, 0);
	assert_int_equal(got.identities.client_ca.len, 0);
	assert_false(got.has_tickets);
	identities_free(&got.identities);
}

static void test_words_without_a_descriptor(void **state)
{
	const struct ends *e = *state;
	char word = 0;
	int fd;

	assert_int_equal(write(e->master, "dn", 2), 2);
	assert_int_equal(control_read(e->worker, &word, &fd), 1);
	assert_int_equal(word, 'd');
	assert_int_equal(fd, -1);
	assert_int_equal(control_read(e->worker, &word, &fd), 1);
	assert_int_equal(word, 'n');
	close(e->master);
	assert_int_equal(control_read(e->worker, &word, &fd), 0);
}

static void test_a_worker_that_is_gone_gets_nothing(void **state)
{
	struct ends *e = *state;
	const struct secrets sent = {0};

	close(e->worker);
	e->worker = -1;
	assert_false(secrets_send(&sent, e->master, 's'));
}

/* Other files, unsealed ones, and ours cut off or with its lengths changed. */
static void test_what_is_no_secret_is_refused(void **state)
{
	const struct ends *e = *state;
	const struct secrets sent = {
		.identities = {.pair = {{text("abc", "c"), text("de", "k")}}, .count = 1}};
	uint8_t bytes[16384];
	struct secrets got;
	char word = 0;
	int fd;

	assert_false(secrets_receive(&got, open("/dev/null", O_RDONLY)));
	assert_false(secrets_receive(&got, -1));
	assert_true(secrets_send(&sent, e->master, 's'));
	assert_int_equal(control_read(e->worker, &word, &fd), 1);
	const ssize_t len = pread(fd, bytes, sizeof bytes, 0);
	assert_true(len > 0 && len < (ssize_t)sizeof bytes);
	assert_true(secrets_receive(&got, fd));
	identities_free(&got.identities);
	for (ssize_t i = 0; i <= len; i++) {
		fd = memfd_create("test", MFD_ALLOW_SEALING);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, bytes, (size_t)i), i);
		const int unsealed = dup(fd);
		assert_false(secrets_receive(&got, unsealed));
		assert_int_equal(fcntl(fd, F_ADD_SEALS,
				       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
				 0);
		assert_int_equal(secrets_receive(&got, fd), i == len);
		identities_free(&got.identities);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_sent_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_a_value_too, setup, teardown),
		cmocka_unit_test_setup_teardown(test_words_without_a_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_worker_that_is_gone_gets_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_secret_is_refused, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
