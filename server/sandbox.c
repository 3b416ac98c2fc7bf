/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c — see sandbox.h; the locks themselves are in sandbox_files.c and sandbox_calls.c. */
#include "server/sandbox.h"

#include "server/log.h"

static bool report(bool locked, const char *error, const char *gap, bool say)
{
	if (!locked)
		log_error("%s", error);
	else if (say && gap[0] != '\0')
		log_error("%s", gap);
	return locked;
}

bool sandbox_lock_files(const struct options *o, const struct sites *sites, bool say)
{
	char gap[SANDBOX_ERROR_SIZE], error[SANDBOX_ERROR_SIZE];

	return !o->sandbox ||
	       report(sandbox_files(sites->site, sites->count, gap, error), error, gap, say);
}

bool sandbox_lock_calls(const struct options *o, bool say)
{
	char gap[SANDBOX_ERROR_SIZE], error[SANDBOX_ERROR_SIZE];

	return !o->sandbox || report(sandbox_calls(gap, error), error, gap, say);
}
