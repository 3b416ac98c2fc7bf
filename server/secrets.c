/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.c — see secrets.h. */
#include "server/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/blob.h"
#include "server/control.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

#define BLOBS_MAX (2u * IDENTITIES_MAX + 1u)

/* How the file begins; the blobs follow, each with a NUL-terminated name before its bytes: certificate and key of each
 * pair, and the CA of the clients. Writer and reader are one program. */
struct head {
	struct tls_ticket_keys tickets;
	bool has_tickets, same_identities;
	size_t pairs;
	size_t len[BLOBS_MAX], name_len[BLOBS_MAX]; /* names with their NUL */
};

/* The n-th of them. */
static struct tls_blob *blob_at(struct identities *ids, size_t n)
{
	if (n == 2 * ids->count)
		return &ids->client_ca;
	return n % 2 == 0 ? &ids->pair[n / 2].cert : &ids->pair[n / 2].key;
}

void identities_config(const struct identities *identities, const struct options *o,
		       struct tls_config *cfg)
{
	*cfg = (struct tls_config){.pair = identities->pair,
				   .pair_count = identities->count,
				   .strict_names = o->strict_names,
				   .client_auth = o->client_auth,
				   .client_ca = identities->client_ca};
}

void identities_free(struct identities *identities)
{
	for (size_t n = 0; n <= 2 * identities->count; n++)
		blob_free(blob_at(identities, n));
	identities->count = 0;
}

/* ------------------------------------------------------------------ writing */

static bool write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		const ssize_t n = write(fd, p, len);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static bool write_blob(int fd, const struct tls_blob *blob, size_t name_len)
{
	return write_all(fd, blob->name ? blob->name : "", name_len) &&
	       write_all(fd, blob->data, blob->len);
}

static int to_file(const struct secrets *s)
{
	struct identities ids = s->identities;
	const size_t blobs = 2 * ids.count + 1;
	const int fd = memfd_create("secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct head h;

	if (fd < 0)
		return -1;
	memset(&h, 0, sizeof h);
	h.tickets = s->tickets;
	h.has_tickets = s->has_tickets;
	h.same_identities = s->same_identities;
	h.pairs = ids.count;
	for (size_t i = 0; i < blobs; i++) {
		const struct tls_blob *blob = blob_at(&ids, i);
		h.len[i] = blob->len;
		h.name_len[i] = (blob->name ? strlen(blob->name) : 0) + 1;
	}
	bool ok = write_all(fd, &h, sizeof h);
	for (size_t i = 0; i < blobs && ok; i++)
		ok = write_blob(fd, blob_at(&ids, i), h.name_len[i]);
	explicit_bzero(&h, sizeof h);
	if (ok && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	const int err = errno;
	close(fd);
	errno = err;
	return -1;
}

bool secrets_send(const struct secrets *s, int socket, char word)
{
	const int fd = to_file(s);

	if (fd < 0)
		return false;
	const bool ok = control_send(socket, word, fd);
	const int err = errno;
	close(fd);
	errno = err;
	return ok;
}

/* ------------------------------------------------------------------ reading */

/* One blob of `len` bytes at *at, its name of `name_len` before it: a copy in one piece. */
static bool read_blob(struct tls_blob *blob, const uint8_t **at, const uint8_t *end, size_t len,
		      size_t name_len)
{
	if (name_len == 0 || name_len > (size_t)(end - *at) ||
	    len > (size_t)(end - *at) - name_len || (*at)[name_len - 1] != '\0')
		return false;
	/* The name lies behind the bytes, so that blob_free finds what to free. */
	uint8_t *copy = malloc(len + name_len);
	if (!copy)
		return false;
	memcpy(copy, *at + name_len, len);
	memcpy(copy + len, *at, name_len);
	*blob = (struct tls_blob){.data = copy, .len = len, .name = (const char *)copy + len};
	*at += name_len + len;
	return true;
}

bool secrets_receive(struct secrets *s, int fd)
{
	struct stat st;
	const uint8_t *map = MAP_FAILED;
	struct head h;
	bool ok = false;

	*s = (struct secrets){0};
	if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof h &&
	    (fcntl(fd, F_GET_SEALS) & SEALS) == SEALS)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map != MAP_FAILED) {
		const uint8_t *at = map + sizeof h, *end = map + st.st_size;
		memcpy(&h, map, sizeof h);
		s->tickets = h.tickets;
		s->has_tickets = h.has_tickets;
		s->same_identities = h.same_identities;
		ok = h.pairs <= IDENTITIES_MAX;
		s->identities.count = ok ? h.pairs : 0;
		for (size_t i = 0; i < 2 * s->identities.count + 1 && ok; i++)
			ok = read_blob(blob_at(&s->identities, i), &at, end, h.len[i],
				       h.name_len[i]);
		ok = ok && at == end;
		explicit_bzero(&h, sizeof h);
		munmap((void *)(uintptr_t)map, (size_t)st.st_size);
	}
	close(fd);
	if (!ok)
		identities_free(&s->identities);
	return ok;
}
