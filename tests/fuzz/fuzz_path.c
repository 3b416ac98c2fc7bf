/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_path.c — any path, to any kind of site, over a directory full of traps.
 *
 * The oracle does not know what a path should find. It knows what none may: a file outside of the root
 * (asked of the kernel, by the descriptor that was opened), a name with a dot, a link where none is
 * followed, a redirect to a redirect or to another host, a decoding that another one would change,
 * a listing that names what is not served. And both ways of opening files must agree where no link is
 * followed.
 *
 * The first byte of the input chooses the site; the rest is the path.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/listing.h"
#include "http/resolve.h"
#include "tests/fuzz/fuzz.h"

#define NO_LINKS 1u
#define DOTFILES 2u
#define CLEAN 4u
#define LISTING 8u
#define FALLBACK 16u
#define NAVIGATION 32u
#define WALK 64u

/* libFuzzer's entry points have no context of ours. */
static int root_fd = -1;
static char root_path[512];

static void __attribute__((noreturn)) found(const char *what, const char *path)
{
	fprintf(stderr, "fuzz: %s: \"%s\"\n", what, path);
	abort();
}

/* ------------------------------------------------------------------ the directory */

static void put(const char *name)
{
	const int fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, name, strlen(name)) != (ssize_t)strlen(name))
		found("cannot be written", name);
	close(fd);
}

static void real_path(int fd, char *out, size_t room)
{
	char name[64];
	ssize_t len;

	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	len = readlink(name, out, room - 1);
	if (len < 0)
		found("the kernel does not say what was opened", name);
	out[len] = '\0';
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const directories[] = {"a",    "a/b",    "both",        "c d", "...",
						  ".dir", "a/.git", ".well-known", "n"};
	static const char *const files[] = {"index.html",
					    "f",
					    "about.html",
					    "both.html",
					    "both/index.html",
					    "a/b/f.html",
					    "a/b/f",
					    "c d/x%41.html",
					    ".hidden",
					    ".dir/f.html",
					    ".well-known/f",
					    ".well-known/.no",
					    "a/.git/f",
					    "n/f.html",
					    "n/g.html.html",
					    "n/.html",
					    ".../f",
					    "b\\s",
					    "n/caf\xc3\xa9.html",
					    "../outside.html"};
	static const char *const links[][2] = {{"f", "in"},
					       {"a", "ind"},
					       {"../outside.html", "out"},
					       {"..", "up"},
					       {"/etc", "abs"},
					       {"loop", "loop"},
					       {"../..", "n/up"},
					       {"../about.html", "n/in.html"}};
	const char *tmp = getenv("TMPDIR");
	char dir[256];

	(void)argc;
	(void)argv;
	snprintf(dir, sizeof dir, "%.200s/tunhttpd-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		found("no temporary directory", dir);
	strcat(dir, "/root");
	if (mkdir(dir, 0755) != 0)
		found("cannot be made", dir);
	root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		if (mkdirat(root_fd, directories[i], 0755) != 0)
			found("cannot be made", directories[i]);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		put(files[i]);
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (symlinkat(links[i][0], root_fd, links[i][1]) != 0)
			found("cannot be linked", links[i][1]);
	if (mkfifoat(root_fd, "fifo", 0644) != 0)
		found("cannot be made", "fifo");
	real_path(root_fd, root_path, sizeof root_path);
	return 0;
}

/* ------------------------------------------------------------------ the oracle */

static void check_decoded(const char *path)
{
	char again[HTTP_PATH_SIZE];
	struct http_buf encoded = {0};
	enum http_refusal refusal;

	if (path[0] != '/' || strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../"))
		found("not normalised", path);
	const char *last = strrchr(path, '/') + 1;
	if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
		found("ends with a dot segment", path);
	http_path_encode(&encoded, path);
	for (size_t i = 0; i < encoded.len; i++)
		if (encoded.data[i] <= 0x20 || encoded.data[i] >= 0x7f ||
		    strchr("\"<>?#\\", encoded.data[i]))
			found("encoded, it is no path", path);
	if (http_path_decode((struct http_str){encoded.data, encoded.len}, again, &refusal) ==
		    HTTP_PATH_OK &&
	    strcmp(again, path) != 0)
		found("is another one when it was encoded and decoded", path);
	http_buf_free(&encoded);
}

/* Hidden, by rules of its own: any segment, but for the first one being .well-known. */
static void check_visible(const struct http_site *site, const char *path)
{
	char copy[HTTP_PATH_SIZE], *rest = copy;

	if (site->dotfiles)
		return;
	strcpy(copy, path);
	for (char *segment; (segment = strsep(&rest, "/"));)
		if (segment[0] == '.' &&
		    (strcmp(segment, ".well-known") != 0 || segment != copy + 1))
			found("a hidden name is given", path);
}

static void check_file(const struct http_site *site, const struct http_resolved *r)
{
	const size_t root_len = strlen(root_path);
	char real[1024];

	check_visible(site, r->path);
	if (r->file.fd < 0)
		found("a file without a descriptor", r->path);
	real_path(r->file.fd, real, sizeof real);
	if (strncmp(real, root_path, root_len) != 0 || real[root_len] != '/')
		found("a file outside of the root", real);
	check_visible(site, real + root_len);
	if ((site->symlinks == HTTP_SYMLINKS_NONE || site->resolver == HTTP_RESOLVE_WALK) &&
	    strcmp(real + root_len, r->path) != 0)
		found("a link was followed", r->path);
}

static void check_redirect(const struct http_site *site, const char *path,
			   const struct http_resolved *r)
{
	struct http_resolved next;

	check_decoded(r->path);
	check_visible(site, r->path);
	if (strcmp(r->path, path) == 0)
		found("a redirect to itself", path);
	http_resolve(site, r->path, false, &next);
	if (next.answer == HTTP_ANSWER_REDIRECT)
		found("a redirect to a redirect", path);
	if (next.answer == HTTP_ANSWER_ERROR && next.status != 403)
		found("a redirect to what is not there", path);
	http_file_close(&next.file);
}

/* Every name in a listing leads to something. */
static void check_listing(const struct http_site *site, const char *directory)
{
	char path[2 * HTTP_PATH_SIZE];
	struct http_resolved r;
	struct http_listing l;

	if (http_listing_read(&l, site, directory, 1000) != HTTP_FIND_FILE)
		found("a listing that cannot be read", directory);
	for (size_t i = 0; i < l.count; i++) {
		snprintf(path, sizeof path, "%s%s%s", directory, http_listing_name(&l, i),
			 l.entries[i].directory ? "/" : "");
		check_visible(site, path);
		http_resolve(site, path, false, &r);
		if (r.answer == HTTP_ANSWER_ERROR && r.status != 403)
			found("listed, and not served", path);
		if (r.answer == HTTP_ANSWER_FILE)
			http_file_close(&r.file);
	}
	http_listing_free(&l);
}

static void check(const struct http_site *site, const char *path, bool navigation,
		  const struct http_resolved *r)
{
	switch (r->answer) {
	case HTTP_ANSWER_FILE:
		check_file(site, r);
		if (r->fallback &&
		    (!navigation || !site->fallback || strchr(strrchr(path, '/'), '.') ||
		     strncmp(path, "/.well-known/", 13) == 0))
			found("the fallback page is given", path);
		check_visible(site, path);
		break;
	case HTTP_ANSWER_REDIRECT:
		check_redirect(site, path, r);
		break;
	case HTTP_ANSWER_DIRECTORY:
		check_visible(site, path);
		if (!site->listing || path[strlen(path) - 1] != '/')
			found("a listing of what is none", path);
		check_listing(site, path);
		break;
	case HTTP_ANSWER_ERROR:
		if (r->status != 403 && r->status != 404)
			found("fails", path);
		break;
	}
}

/* Both ways of opening files, where they have to give the same. */
static void compare_resolvers(struct http_site site, const char *path, bool navigation)
{
	struct http_resolved beneath, walk;

	site.symlinks = HTTP_SYMLINKS_NONE;
	site.resolver = HTTP_RESOLVE_BENEATH;
	http_resolve(&site, path, navigation, &beneath);
	site.resolver = HTTP_RESOLVE_WALK;
	http_resolve(&site, path, navigation, &walk);
	if (beneath.answer != walk.answer || beneath.status != walk.status ||
	    beneath.fallback != walk.fallback || beneath.varies != walk.varies ||
	    strcmp(beneath.path, walk.path) != 0)
		found("depends on how files are opened", path);
	if (beneath.answer == HTTP_ANSWER_FILE) {
		http_file_close(&beneath.file);
		http_file_close(&walk.file);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[HTTP_PATH_SIZE];
	enum http_refusal refusal;
	struct http_resolved r;
	struct http_site site;

	if (size == 0)
		return 0;
	const unsigned flags = data[0];
	http_site_default(&site);
	site.root_fd = root_fd;
	site.index[1] = "f";
	site.symlinks = flags & NO_LINKS ? HTTP_SYMLINKS_NONE : HTTP_SYMLINKS_BENEATH;
	site.dotfiles = flags & DOTFILES;
	site.clean_urls = flags & CLEAN;
	site.listing = flags & LISTING;
	site.fallback = flags & FALLBACK ? "/index.html" : NULL;
	site.resolver = flags & WALK ? HTTP_RESOLVE_WALK : HTTP_RESOLVE_BENEATH;
	if (http_path_decode((struct http_str){(const char *)data + 1, size - 1}, path, &refusal) !=
	    HTTP_PATH_OK)
		return 0;
	check_decoded(path);
	http_resolve(&site, path, flags & NAVIGATION, &r);
	check(&site, path, flags & NAVIGATION, &r);
	if (r.answer == HTTP_ANSWER_FILE)
		http_file_close(&r.file);
	compare_resolvers(site, path, flags & NAVIGATION);
	return 0;
}
