/* SPDX-License-Identifier: Apache-2.0 */
/* Every flight of a handshake cut at every byte: delivered in two parts, and ended there. */
#include "tests/unit/tls_pair.h"

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

static struct pipe *way(struct pair *p, bool to_client)
{
	return to_client ? &p->down : &p->up;
}

/* Both contexts stay; the connection is new, and its bytes in one direction stop after `bytes`. */
static void begin(struct pair *p, bool to_client, size_t bytes)
{
	pair_end(p);
	pair_begin(p);
	way(p, to_client)->readable = bytes;
	pair_handshake(p);
}

/* How many bytes a handshake has in this direction; a signature may make the next one differ by a few. */
static size_t length_of(struct pair *p, bool to_client)
{
	begin(p, to_client, NO_LIMIT);
	return way(p, to_client)->len;
}

static void test_a_handshake_goes_on_wherever_it_was_interrupted(void **state)
{
	(void)state;
	for (unsigned v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_of_version(versions[v]);
		for (unsigned to_client = 0; to_client < 2; to_client++) {
			const size_t len = length_of(p, to_client);
			assert_true(len > 200);
			for (size_t cut = 0; cut < len; cut++) {
				begin(p, to_client, cut);
				way(p, to_client)->readable = NO_LIMIT;
				pair_establish(p);
			}
			pair_transfer(p, p->client, p->server, 100, 100);
			pair_transfer(p, p->server, p->client, 100, 100);
		}
		pair_free(p);
	}
}

/* The stream ends in the middle of a flight: the reader ends too, and says so; nobody waits for ever. */
static void test_a_handshake_ends_wherever_the_stream_does(void **state)
{
	(void)state;
	for (unsigned v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_of_version(versions[v]);
		for (unsigned to_client = 0; to_client < 2; to_client++) {
			const size_t len = length_of(p, to_client);
			for (size_t cut = 0; cut < len; cut++) {
				begin(p, to_client, cut);
				struct pipe *w = way(p, to_client);
				struct tls_session *reader = to_client ? p->client : p->server;
				w->len = w->taken;
				w->fin = true;
				const enum tls_status end = tls_session_handshake(reader);
				if (tls_session_established(reader))
					continue; /* what was cut off came behind the handshake */
				assert_true(end == TLS_TRUNCATED || end == TLS_FAILED);
				assert_int_equal(tls_session_handshake(reader), end);
			}
		}
		pair_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_handshake_goes_on_wherever_it_was_interrupted),
		cmocka_unit_test(test_a_handshake_ends_wherever_the_stream_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
