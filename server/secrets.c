/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.c — see secrets.h. */
#include "server/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/blob.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* How the file begins; the two blobs follow, each with a NUL-terminated name before its bytes. Writer and reader
 * are one program. */
struct head {
	struct tls_ticket_keys tickets;
	bool has_tickets, same_certificate;
	size_t len[2], name_len[2]; /* of certificate and key; names with their NUL */
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

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
	const struct tls_blob *blob[2] = {&s->cert, &s->key};
	const int fd = memfd_create("secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct head h;

	if (fd < 0)
		return -1;
	memset(&h, 0, sizeof h);
	h.tickets = s->tickets;
	h.has_tickets = s->has_tickets;
	h.same_certificate = s->same_certificate;
	for (unsigned i = 0; i < 2; i++) {
		h.len[i] = blob[i]->len;
		h.name_len[i] = (blob[i]->name ? strlen(blob[i]->name) : 0) + 1;
	}
	bool ok = write_all(fd, &h, sizeof h);
	for (unsigned i = 0; i < 2 && ok; i++)
		ok = write_blob(fd, blob[i], h.name_len[i]);
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
	struct iovec iov = {.iov_base = &word, .iov_len = 1};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof control.bytes};

	if (fd < 0)
		return false;
	memset(&control, 0, sizeof control);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	const ssize_t n = sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	const int err = errno;
	close(fd);
	errno = err;
	return n == 1;
}

/* ------------------------------------------------------------------ reading */

long secrets_read_word(int socket, char *word, int *fd)
{
	struct iovec iov = {.iov_base = word, .iov_len = 1};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof control.bytes};

	*fd = -1;
	const ssize_t n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len == CMSG_LEN(sizeof *fd))
			memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return n;
}

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
		s->same_certificate = h.same_certificate;
		ok = read_blob(&s->cert, &at, end, h.len[0], h.name_len[0]) &&
		     read_blob(&s->key, &at, end, h.len[1], h.name_len[1]) && at == end;
		explicit_bzero(&h, sizeof h);
		munmap((void *)(uintptr_t)map, (size_t)st.st_size);
	}
	close(fd);
	if (!ok) {
		blob_free(&s->cert);
		blob_free(&s->key);
	}
	return ok;
}
