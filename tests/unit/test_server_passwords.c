/* SPDX-License-Identifier: Apache-2.0 */
/* Files of passwords, and how often one is computed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/htpasswd.h"
#include "server/passwords.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "wonderland" of each kind that is taken, with as little work as it allows. */
#define BCRYPT "$2y$04$WUDfWUDfWUDfWUDfWUDfWOPZreQ1n.W8pJxj2MIUY31BPgme2drfm"
#define YESCRYPT                                                       \
	"$y$j75$XBqMXBqMXBqMXBqMXBqMXBqMXBqMXBqMXBqMXBqMXBqMXBqMXBqMX" \
	"BqMXBqMXBqMXBqMXBqMXBqMXBqMXBqMX/$vETgFTMkrGOqURUd6muguIfdXT1EdB7FTucyr4ESiY9"
#define SHA512                             \
	"$6$rounds=1000$ZJKNZJKNZJKNZJKN$" \
	"54UcTQt8EvSpzhwPtVbiqlwF80GvIMqwEsTJ6Ixgv5nL6z1I30pnGpKUFzMvzM6i2U0ATlvkuZCoSH0rdXcWv."
#define SHA256 "$5$rounds=1000$bRqNbRqNbRqNbRqN$cdglS8QIaV4v6h.53sDzJQAJiQ9Ag0FwqyutbBMaEm7"
#define GOOD_LINE "anna:" BCRYPT

static bool read_text(const char *text, struct http_users *users, char error[HTPASSWD_ERROR_SIZE])
{
	char path[] = "/tmp/tunhttpd-test-XXXXXX";
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	error[0] = '\0';
	const bool good = htpasswd_read(path, users, error);
	/* Every error names the file. */
	assert_true(good || strstr(error, path));
	unlink(path);
	return good;
}

static void test_files_are_read(void **state)
{
	struct http_users users;
	char error[HTPASSWD_ERROR_SIZE];

	(void)state;
	if (!read_text("# users\n\n" GOOD_LINE "\r\nb o b:" SHA512 ":a comment\nc:" YESCRYPT
		       "\nd:" SHA256,
		       &users, error))
		fail_msg("%s", error);
	assert_int_equal(users.count, 4);
	assert_string_equal(users.user[0].name, "anna");
	assert_string_equal(users.user[0].hash, BCRYPT);
	assert_string_equal(users.user[1].name, "b o b");
	assert_string_equal(users.user[1].hash, SHA512);
	assert_string_equal(users.user[3].hash, SHA256);
	htpasswd_free(&users);
}

static void test_files_that_are_refused(void **state)
{
	static const struct {
		const char *text;
		const char *words[2];
	} cases[] = {
		{"\n# nobody\n", {"no user"}},
		{"anna\n", {":1: ", "name:hash"}},
		{":" BCRYPT "\n", {":1: ", "name:hash"}},
		{GOOD_LINE "\nbob:wonderland\n", {":2: ", "of bob is plain text"}},
		{"anna:\n", {":1: ", "plain text"}},
		{"anna:wonderland123\n", {":1: ", "plain text"}},
		{"anna:abcdefghijklm\n", {":1: ", "DES"}},
		{"anna:$1$dZKOdZKO$4zi.UAuWyvVEdAGbsC1ln1\n", {":1: ", "MD5"}},
		{"anna:$apr1$dZKOdZKO$4zi.UAuWyvVEdAGbsC1ln1\n", {":1: ", "MD5"}},
		{"anna:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", {":1: ", "SHA-1"}},
		{"anna:$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA\n", {":1: ", "Argon2"}},
		{"anna:$2x$04$WUDfWUDfWUDfWUDfWUDfWOPZreQ1n.W8pJxj2MIUY31BPgme2drfm\n",
		 {":1: ", "faulty"}},
		{"anna:$2y$04$WUDfWUDfWUDfWUDfWUDfWOPZreQ1n\n", {":1: ", "not whole"}},
		{"anna:$2y$0x$WUDfWUDfWUDfWUDfWUDfWOPZreQ1n.W8pJxj2MIUY31BPgme2drfm\n",
		 {":1: ", "malformed"}},
		{"anna:$2y$13$WUDfWUDfWUDfWUDfWUDfWOPZreQ1n.W8pJxj2MIUY31BPgme2drfm\n",
		 {":1: ", "wait"}},
		{"anna:$6$rounds=999999999$ZJKNZJKNZJKNZJKN$"
		 "54UcTQt8EvSpzhwPtVbiqlwF80GvIMqwEsTJ6Ixgv5nL6z1I30pnGpKUFzMvzM6i2U0ATlvkuZCoSH0rd"
		 "XcWv.\n",
		 {":1: ", "wait"}},
		{"anna:$9$whatever\n", {":1: ", "not known"}},
		{GOOD_LINE "\n\n" GOOD_LINE "\n", {":3: ", "another line for anna"}},
	};
	struct http_users users;
	char error[HTPASSWD_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (read_text(cases[i].text, &users, error))
			fail_msg("%s was taken", cases[i].text);
		for (size_t w = 0; w < 2 && cases[i].words[w]; w++)
			if (!strstr(error, cases[i].words[w]))
				fail_msg("\"%s\" is not in: %s", cases[i].words[w], error);
	}
	assert_false(htpasswd_read("/nonexistent/pw", &users, error));
	assert_non_null(strstr(error, "No such file"));
}

/* ------------------------------------------------------------------ checking */

static const struct http_auth_rule rule = {"/", "pw", "r"};

static struct http_credentials who(const char *name, const char *password)
{
	struct http_credentials c;

	snprintf(c.name, sizeof c.name, "%s", name);
	snprintf(c.password, sizeof c.password, "%s", password);
	return c;
}

static void expect(struct passwords *p, const struct http_auth *auth, const char *name,
		   const char *password, time_t now, enum http_password want, uint64_t computed)
{
	const struct http_credentials c = who(name, password);
	const uint64_t before = p->checked;

	assert_int_equal(passwords_check(p, auth, &c, now), want);
	assert_int_equal(p->checked - before, computed);
}

static void test_every_kind_is_checked(void **state)
{
	static const char *const hashes[] = {BCRYPT, YESCRYPT, SHA512, SHA256};
	struct passwords p;

	(void)state;
	for (size_t i = 0; i < COUNT(hashes); i++) {
		struct http_user user = {"anna", (char *)(uintptr_t)hashes[i]};
		const struct http_auth auth = {&rule, {&user, 1}};

		assert_true(passwords_init(&p));
		expect(&p, &auth, "anna", "wonderland", 1, HTTP_PASSWORD_RIGHT, 1);
		expect(&p, &auth, "anna", "Wonderland", 1, HTTP_PASSWORD_WRONG, 1);
		expect(&p, &auth, "anna", "", 1, HTTP_PASSWORD_WRONG, 1);
		passwords_free(&p);
	}
}

static void test_what_was_right_is_not_computed_again(void **state)
{
	struct http_user users[] = {{"anna", BCRYPT}, {"bob", BCRYPT}}, changed = {"anna", SHA512};
	const struct http_auth auth = {&rule, {users, 2}}, other = {&rule, {&changed, 1}};
	struct passwords p;

	(void)state;
	assert_true(passwords_init(&p));
	expect(&p, &auth, "anna", "wonderland", 1, HTTP_PASSWORD_RIGHT, 1);
	for (int i = 0; i < 100; i++)
		expect(&p, &auth, "anna", "wonderland", 1, HTTP_PASSWORD_RIGHT, 0);
	/* Of another user, of another hash, with another password: that is another matter. */
	expect(&p, &auth, "bob", "wonderland", 1, HTTP_PASSWORD_RIGHT, 1);
	expect(&p, &other, "anna", "wonderland", 1, HTTP_PASSWORD_RIGHT, 1);
	expect(&p, &auth, "anna", "wonderland2", 1, HTTP_PASSWORD_WRONG, 1);
	/* What was wrong is computed each time, and so is what nobody has. */
	expect(&p, &auth, "anna", "wonderland2", 3, HTTP_PASSWORD_WRONG, 1);
	expect(&p, &auth, "nobody", "wonderland", 3, HTTP_PASSWORD_WRONG, 1);
	passwords_free(&p);
}

static void test_guessing_has_a_budget(void **state)
{
	struct http_user user = {"anna", BCRYPT};
	const struct http_auth auth = {&rule, {&user, 1}};
	struct passwords p;

	(void)state;
	assert_true(passwords_init(&p));
	expect(&p, &auth, "anna", "wonderland", 1, HTTP_PASSWORD_RIGHT, 1);
	for (int i = 1; i < PASSWORDS_BURST; i++)
		expect(&p, &auth, i % 2 ? "anna" : "nobody", "guess", 1, HTTP_PASSWORD_WRONG, 1);
	for (int i = 0; i < 10; i++)
		expect(&p, &auth, i % 2 ? "anna" : "nobody", "guess", 1, HTTP_PASSWORD_BUSY, 0);
	/* Who is known waits for nobody. */
	expect(&p, &auth, "anna", "wonderland", 1, HTTP_PASSWORD_RIGHT, 0);
	for (int i = 0; i < PASSWORDS_PER_SECOND; i++)
		expect(&p, &auth, "anna", "guess", 2, HTTP_PASSWORD_WRONG, 1);
	expect(&p, &auth, "anna", "guess", 2, HTTP_PASSWORD_BUSY, 0);
	/* The clock was set back, and then far forward: no more than one burst. */
	for (int i = 0; i < PASSWORDS_PER_SECOND; i++)
		expect(&p, &auth, "anna", "guess", 1, HTTP_PASSWORD_WRONG, 1);
	expect(&p, &auth, "anna", "guess", 1, HTTP_PASSWORD_BUSY, 0);
	for (int i = 0; i < PASSWORDS_BURST; i++)
		expect(&p, &auth, "anna", "guess", 1000000, HTTP_PASSWORD_WRONG, 1);
	expect(&p, &auth, "anna", "guess", 1000000, HTTP_PASSWORD_BUSY, 0);
	passwords_free(&p);
}

static void test_what_is_remembered_has_a_limit(void **state)
{
	static struct http_user users[PASSWORDS_KEPT + 1];
	static char names[PASSWORDS_KEPT + 1][16];
	const struct http_auth auth = {&rule, {users, PASSWORDS_KEPT + 1}};
	struct passwords p;

	(void)state;
	assert_true(passwords_init(&p));
	for (int i = 0; i <= PASSWORDS_KEPT; i++) {
		snprintf(names[i], sizeof names[i], "user%d", i);
		users[i] = (struct http_user){names[i], SHA256};
	}
	for (int i = 0; i <= PASSWORDS_KEPT; i++) {
		expect(&p, &auth, names[i], "wonderland", 10 * i + 1, HTTP_PASSWORD_RIGHT, 1);
	}
	/* The oldest has made room. */
	expect(&p, &auth, names[1], "wonderland", 100000, HTTP_PASSWORD_RIGHT, 0);
	expect(&p, &auth, names[PASSWORDS_KEPT], "wonderland", 100000, HTTP_PASSWORD_RIGHT, 0);
	expect(&p, &auth, names[0], "wonderland", 100000, HTTP_PASSWORD_RIGHT, 1);
	passwords_free(&p);
}

static void test_the_mac_is_hmac_sha256(void **state)
{
	/* RFC 4231 4.3 with the key "Jefe", which HMAC fills up with zeros. */
	static const uint8_t key[TLS_MAC_SIZE] = "Jefe";
	static const uint8_t want[TLS_MAC_SIZE] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
						   0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
						   0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
						   0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
	uint8_t mac[TLS_MAC_SIZE];

	(void)state;
	assert_true(tls_mac(key, "what do ya want for nothing?", 28, mac));
	assert_memory_equal(mac, want, sizeof mac);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_read),
		cmocka_unit_test(test_files_that_are_refused),
		cmocka_unit_test(test_every_kind_is_checked),
		cmocka_unit_test(test_what_was_right_is_not_computed_again),
		cmocka_unit_test(test_guessing_has_a_budget),
		cmocka_unit_test(test_what_is_remembered_has_a_limit),
		cmocka_unit_test(test_the_mac_is_hmac_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
