/* SPDX-License-Identifier: Apache-2.0 */
/* issue.c — `tunhttpd certs init`, `issue` and `client`. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certs/authority.h"
#include "certs/command.h"
#include "certs/files.h"

#define FILE_LEN_MAX 200u
#define COMMON_NAME_LEN 64u

const char *certs_day(time_t t, char text[16])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, 16, "%Y-%m-%d", &tm);
	return text;
}

/* ------------------------------------------------------------------ names of files */

static bool ends_in(const char *text, const char *end)
{
	const size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

const char *certs_file_problem(const char *file)
{
	if (file[0] == '\0' || file[0] == '.' || file[0] == '-')
		return "a file's name does not begin like that";
	if (strlen(file) > FILE_LEN_MAX)
		return "more than 200 characters are too many for the name of a file";
	if (strchr(file, '/'))
		return "the files are made in --dir; their name has no slash";
	for (const char *c = file; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return "there are control characters in it";
	if (strcmp(file, "ca") == 0 || strcmp(file, "intermediate") == 0)
		return "that is the authority's own; choose another name with --out";
	if (ends_in(file, "-key"))
		return "the name would be that of a key; choose another name with --out";
	return NULL;
}

void certs_file_for(const char *name, char file[CERTS_NAME_SIZE])
{
	const bool star = strncmp(name, "*.", 2) == 0;

	/* The length is cut here and complained about by certs_file_problem. */
	snprintf(file, CERTS_NAME_SIZE, "%s%.240s", star ? "_wildcard" : "", name + star);
	for (char *c = file; *c; c++)
		if (*c == ':')
			*c = '-';
		else if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
			 !(*c >= '0' && *c <= '9') && !strchr("-_.@", *c))
			*c = '_';
	if (file[0] == '-' || file[0] == '.')
		file[0] = '_';
}

/* ------------------------------------------------------------------ the authority */

static int make_authority(struct certs_authority *a, const struct certs_options *o, int days)
{
	struct certs_signer signer;
	char day[16];

	if (!o->force && certs_file_exists(o->dir, CERTS_CA_KEY_FILE))
		return certs_complain(
			CERTS_FAILED,
			"%s/%s is there, but %s is not: bring it back, or certs init --force "
			"makes both anew",
			o->dir, CERTS_CA_KEY_FILE, CERTS_CA_FILE);
	if (certs_authority_make_root(a, days, o->key_type) ||
	    certs_authority_signer(a, a->now + CERTS_LEAF_DAYS * CERTS_DAY, &signer))
		return certs_complain(CERTS_FAILED, "%s", a->error);
	printf("made  %s/%s, a root of our own, until %s; clients have to trust it:\n"
	       "      tunhttpd certs trust --dir %s\n",
	       o->dir, CERTS_CA_FILE, certs_day(certs_time(&a->root.valid_to), day), o->dir);
	return 0;
}

/* Opens the authority, and makes it when there is none. An exit status. */
static int open_or_make(struct certs_authority *a, const struct certs_options *o,
			char error[CERTS_ERROR_SIZE])
{
	if (certs_dir_make(o->dir, 0755, error))
		return certs_complain(CERTS_FAILED, "%s", error);
	const int opened = certs_authority_open(a, o->dir, time(NULL), error);
	if (opened < 0)
		return certs_complain(CERTS_BAD_FILE, "%s", error);
	/* --force and --key-type are said about the leaf. */
	const struct certs_options defaults = {.dir = o->dir};
	return opened ? make_authority(a, &defaults, CERTS_CA_DAYS) : 0;
}

int certs_init(const struct certs_options *o)
{
	struct certs_authority a;
	char error[CERTS_ERROR_SIZE];

	/* Everybody may enter: ca.pem is there to be handed out; keys are 0600. */
	if (certs_dir_make(o->dir, 0755, error))
		return certs_complain(CERTS_FAILED, "%s", error);
	const int opened = certs_authority_open(&a, o->dir, time(NULL), error);
	int status;
	if (opened == 0 && !o->force)
		status = certs_complain(CERTS_FAILED,
					"there is an authority in %s; --force makes a new one, "
					"which all clients must "
					"then trust instead",
					o->dir);
	else if (opened < 0 && !o->force)
		status = certs_complain(CERTS_BAD_FILE, "%s", error);
	else
		status = make_authority(&a, o, o->days ? o->days : CERTS_CA_DAYS);
	certs_authority_close(&a);
	return status;
}

/* ------------------------------------------------------------------ issue, client */

static int issue_file(const struct certs_options *o, struct certs_issue *issue)
{
	struct certs_authority a = {0}; /* so that it can be closed, opened or not */
	char error[CERTS_ERROR_SIZE];
	char day[16];
	time_t until;

	issue->key_type = o->key_type;
	issue->life = (o->days ? o->days : CERTS_LEAF_DAYS) * CERTS_DAY;
	issue->replace = o->force;
	int status = open_or_make(&a, o, error);
	if (status == 0 && certs_authority_issue(&a, issue, &until))
		status = certs_complain(CERTS_FAILED, "%s", error);
	if (status == 0)
		printf("made  %s/%s.pem until %s, and its key %s-key.pem\n", o->dir, issue->file,
		       certs_day(until, day), issue->file);
	certs_authority_close(&a);
	return status;
}

/* --out, or what is made of the name. An exit status. */
static int choose_file(const struct certs_options *o, const char *name, char file[CERTS_NAME_SIZE])
{
	if (o->out) {
		snprintf(file, CERTS_NAME_SIZE, "%s", o->out);
		return 0;
	}
	certs_file_for(name, file);
	const char *problem = certs_file_problem(file);
	return problem ? certs_complain(CERTS_USAGE, "%s: %s", file, problem) : 0;
}

int certs_issue(const struct certs_options *o)
{
	char file[CERTS_NAME_SIZE], subject[CERTS_SUBJECT_SIZE];
	struct certs_issue issue = {
		.purpose = CERTS_SERVER, .subject = subject, .names = o->word, .file = file};

	for (size_t i = 0; i < o->words; i++)
		if (certs_name_problem(o->word[i]))
			return certs_complain(CERTS_USAGE, "%s: %s", o->word[i],
					      certs_name_problem(o->word[i]));
	int status = choose_file(o, o->word[0], file);
	if (status)
		return status;
	/* What clients compare are the names; this one is for people. */
	if (certs_subject(strlen(o->word[0]) <= COMMON_NAME_LEN ? o->word[0] : "tunhttpd", subject))
		return certs_complain(CERTS_USAGE, "%s: it cannot be the name of a certificate",
				      o->word[0]);
	status = issue_file(o, &issue);
	if (status)
		return status;
	printf("for   ");
	for (size_t i = 0; i < o->words; i++)
		printf("%s%s", i ? ", " : "", o->word[i]);
	printf("\nuse:  tunhttpd serve --cert '%s/%s.pem' --key '%s/%s-key.pem'\n", o->dir, file,
	       o->dir, file);
	return 0;
}

int certs_client(const struct certs_options *o)
{
	char file[CERTS_NAME_SIZE], subject[CERTS_SUBJECT_SIZE];
	struct certs_issue issue = {.purpose = CERTS_CLIENT, .subject = subject, .file = file};
	int status = choose_file(o, o->word[0], file);

	if (status)
		return status;
	if (certs_subject(o->word[0], subject))
		return certs_complain(
			CERTS_USAGE,
			"%s: a name has 1 to 64 bytes of UTF-8, no control characters, no "
			"space at its ends",
			o->word[0]);
	status = issue_file(o, &issue);
	if (status)
		return status;
	printf("use:  curl --cert '%s/%s.pem' --key '%s/%s-key.pem' --cacert '%s/%s' "
	       "https://10.77.0.2/\n"
	       "with  tunhttpd serve --client-cert required --client-ca '%s/%s'\n",
	       o->dir, file, o->dir, file, o->dir, CERTS_CA_FILE, o->dir, CERTS_CA_FILE);
	return 0;
}
