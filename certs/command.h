/* SPDX-License-Identifier: Apache-2.0 */
/* command.h — what the commands of `tunhttpd certs` share. */
#ifndef CERTS_COMMAND_H
#define CERTS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "certs/make.h"
#include "certs/names.h"

/* sysexits.h for the last one; server/options.h has the same. */
#define CERTS_FAILED 1
#define CERTS_USAGE 2
#define CERTS_BAD_FILE 78

struct certs_options {
	const char *dir;
	int days; /* 0: not said */
	enum certs_key_type key_type;
	const char *out;
	bool force, all, install, uninstall, help;
	const char *word[CERTS_NAMES_MAX + 1]; /* NULL-terminated */
	size_t words;
};

/* Each returns an exit status. They print results to standard output and one line about what went wrong to standard
 * error. */
int certs_init(const struct certs_options *o);
int certs_issue(const struct certs_options *o);
int certs_client(const struct certs_options *o);
int certs_renew(const struct certs_options *o);
int certs_show(const struct certs_options *o);
int certs_trust(const struct certs_options *o);

/* One line on standard error. Returns `status`. */
int certs_complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* NULL when files FILE.pem and FILE-key.pem may be made in the authority's directory; else why not. */
const char *certs_file_problem(const char *file);
/* The file name for a certificate of `name`: "*.a.test" is "_wildcard.a.test", what may trouble a shell is "_". */
void certs_file_for(const char *name, char file[CERTS_NAME_SIZE]);

/* "2026-11-24" of a moment in UTC. */
const char *certs_day(time_t t, char text[16]);

#endif
