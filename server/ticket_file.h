/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticket_file.h — a file of session ticket keys, which replicas share: for each key 16 bytes of name and 32 of
 * secret, as nginx has them. The current key comes first, then perhaps the previous one.
 *
 *     openssl rand 48 > new; head -c 48 keys >> new; mv new keys
 */
#ifndef SERVER_TICKET_FILE_H
#define SERVER_TICKET_FILE_H

#include <stdbool.h>

#include "tls/tls.h"

/* Fills in the keys and leaves the lifetime alone. With one key in the file it is the previous one, too. False when
 * the file is not such a one; then the reason has been logged and `keys` is as it was. */
bool ticket_file_read(const char *path, struct tls_ticket_keys *keys);

#endif
