/* SPDX-License-Identifier: Apache-2.0 */
/* ticket_file.c — see ticket_file.h. */
#include "server/ticket_file.h"

#include <string.h>

#include "server/blob.h"
#include "server/log.h"

#define NAME sizeof((struct tls_ticket_key *)NULL)->name
#define SECRET sizeof((struct tls_ticket_key *)NULL)->secret
#define RECORD (NAME + SECRET)

static void read_key(struct tls_ticket_key *key, const uint8_t *record)
{
	memcpy(key->name, record, NAME);
	memcpy(key->secret, record + NAME, SECRET);
}

bool ticket_file_read(const char *path, struct tls_ticket_keys *keys)
{
	char error[BLOB_ERROR_SIZE];
	struct tls_blob blob = {0};

	if (!blob_read(&blob, "file of ticket keys", path, error)) {
		log_error("%s", error);
		return false;
	}
	const bool ok = blob.len == RECORD || blob.len == 2 * RECORD;
	if (ok) {
		read_key(&keys->current, blob.data);
		read_key(&keys->previous, blob.data + blob.len - RECORD);
	} else {
		log_error("the file of ticket keys %s has %zu bytes; it must have %zu for each of "
			  "one or two keys, the current one first: openssl rand %zu > %s",
			  path, blob.len, RECORD, RECORD, path);
	}
	blob_free(&blob);
	return ok;
}
