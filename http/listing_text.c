/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings as HTML and JSON. A name is three things: text to be read, a reference to be followed
 * (percent-encoded byte for byte, so that every name works), and in JSON a string.
 */
#include "http/listing.h"

#include <string.h>

#include "http/date.h"
#include "http/path.h"
#include "http/utf8.h"

/* Light and dark are the browser's own colours; on a narrow screen long names and dates wrap. The policy
 * allows exactly these bytes: tests/e2e/test_pages.py compares the hash. */
static const char style[] =
	":root{color-scheme:light dark}"
	"body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}"
	"h1{font-size:1.25rem;overflow-wrap:anywhere}"
	"table{border-collapse:collapse;width:100%}"
	"caption{padding:.375rem;text-align:left}"
	"th,td{border-bottom:1px solid #8886;padding:.375rem;text-align:left;vertical-align:top}"
	"tbody th{font-weight:400;overflow-wrap:anywhere}"
	"td{font-variant-numeric:tabular-nums;white-space:nowrap}"
	"@media(max-width:30rem){td{white-space:normal}}";
const char http_listing_policy[] =
	"default-src 'none'; style-src 'sha256-JDOXPhH2q8RVhBvWZgY6bc76stjA8agqYLXvRxfunH8='; "
	"base-uri 'none'; form-action 'none'";

const char *const http_listing_orders[3] = {"name", "size", "time"};

/* ------------------------------------------------------------------ pieces */

/* A reference from the directory's own address. "./" keeps a colon in a name from ending a scheme. */
static void write_reference(struct http_buf *b, const struct http_listing *l, size_t i)
{
	http_buf_text(b, "./");
	http_path_encode(b, http_listing_name(l, i));
	if (l->entries[i].directory)
		http_buf_text(b, "/");
}

/* "1 directory", "2 directories" */
static void write_count(struct http_buf *b, size_t count, const char *one, const char *many)
{
	http_buf_number(b, count);
	http_buf_text(b, " ");
	http_buf_text(b, count == 1 ? one : many);
}

/* 1.4 KiB; bytes are exact, other units are cut after a tenth. */
static void write_size(struct http_buf *b, uint64_t size)
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
	unsigned unit = 0;

	while (unit < 6 && size >> (10 * unit) >= 1024)
		unit++;
	http_buf_number(b, size >> (10 * unit));
	if (unit > 0) {
		const uint64_t rest = size & ((1ULL << (10 * unit)) - 1);
		http_buf_text(b, ".");
		http_buf_number(b, rest * 10 >> (10 * unit));
	}
	http_buf_text(b, units[unit]);
}

/* ------------------------------------------------------------------ HTML */

static void write_column(struct http_buf *b, enum http_listing_order column, const char *title,
			 enum http_listing_order order, bool descending)
{
	const bool sorted = column == order;

	http_buf_text(b, "<th scope=\"col\"");
	if (sorted)
		http_buf_text(b, descending ? " aria-sort=\"descending\""
					    : " aria-sort=\"ascending\"");
	http_buf_text(b, "><a href=\"?sort=");
	http_buf_text(b, http_listing_orders[column]);
	http_buf_text(b, sorted && !descending ? "&amp;order=desc\">" : "&amp;order=asc\">");
	http_buf_text(b, title);
	http_buf_text(b, "</a>");
	if (sorted)
		http_buf_text(b, descending ? " <span aria-hidden=\"true\">\xe2\x86\x93</span>"
					    : " <span aria-hidden=\"true\">\xe2\x86\x91</span>");
	http_buf_text(b, "</th>\n");
}

static void write_row(struct http_buf *b, const struct http_listing *l, size_t i)
{
	const struct http_entry *e = &l->entries[i];
	char time[HTTP_DATE_SIZE];

	http_buf_text(b, "<tr><th scope=\"row\"><a href=\"");
	/* What http_path_encode leaves as it is has "&" and "'" in it. */
	struct http_buf reference = {0};
	write_reference(&reference, l, i);
	http_buf_html(b, reference.data, reference.len);
	b->failed = b->failed || reference.failed;
	http_buf_free(&reference);
	/* <bdi>: letters of another direction stay within their own name. */
	http_buf_text(b, "\"><bdi>");
	http_utf8_html(b, http_listing_name(l, i));
	http_buf_text(b, e->directory ? "/</bdi></a></th><td>" : "</bdi></a></th><td>");
	if (!e->directory) {
		http_buf_text(b, "<data value=\"");
		http_buf_number(b, e->size);
		http_buf_text(b, "\" title=\"");
		write_count(b, e->size, "byte", "bytes");
		http_buf_text(b, "\">");
		write_size(b, e->size);
		http_buf_text(b, "</data>");
	}
	http_buf_text(b, "</td><td>");
	if (http_date_iso(e->mtime, time)) {
		http_buf_text(b, "<time datetime=\"");
		http_buf_text(b, time);
		http_buf_text(b, "\">");
		time[10] = ' '; /* for the T; and the Z is in the head of the table */
		http_buf_append(b, time, strlen(time) - 1);
		http_buf_text(b, "</time>");
	}
	http_buf_text(b, "</td></tr>\n");
}

static void write_head(struct http_buf *b, const char *path)
{
	http_buf_text(b,
		      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=\"robots\" content=\"noindex\">\n<title>");
	http_utf8_html(b, path);
	http_buf_text(b, "</title>\n<style>");
	http_buf_text(b, style);
	http_buf_text(b, "</style>\n</head>\n<body>\n<main>\n<h1><bdi>");
	http_utf8_html(b, path);
	http_buf_text(b, "</bdi></h1>\n");
	if (strcmp(path, "/") != 0)
		http_buf_text(b, "<p><a href=\"../\">Parent directory</a></p>\n");
}

void http_listing_html(struct http_buf *b, const struct http_listing *l, const char *path,
		       enum http_listing_order order, bool descending)
{
	write_head(b, path);
	if (l->cut) {
		http_buf_text(b, "<p>This directory has more than ");
		http_buf_number(b, l->max);
		http_buf_text(b, " names. Not all of them are listed.</p>\n");
	}
	http_buf_text(b, "<table>\n<caption>");
	write_count(b, l->directories, "directory", "directories");
	http_buf_text(b, ", ");
	write_count(b, l->count - l->directories, "file", "files");
	http_buf_text(b, "</caption>\n<thead>\n<tr>");
	write_column(b, HTTP_LISTING_NAME, "Name", order, descending);
	write_column(b, HTTP_LISTING_SIZE, "Size", order, descending);
	write_column(b, HTTP_LISTING_TIME, "Changed (UTC)", order, descending);
	http_buf_text(b, "</tr>\n</thead>\n<tbody>\n");
	for (size_t i = 0; i < l->count && !b->failed; i++)
		write_row(b, l, i);
	http_buf_text(b, "</tbody>\n</table>\n</main>\n</body>\n</html>\n");
}

/* ------------------------------------------------------------------ JSON */

static void write_object(struct http_buf *b, const struct http_listing *l, size_t i)
{
	const struct http_entry *e = &l->entries[i];
	char time[HTTP_DATE_SIZE];

	http_buf_text(b, "{\"name\":");
	http_utf8_json(b, http_listing_name(l, i));
	/* Nothing that stays unencoded in a path has to be escaped in a string. */
	http_buf_text(b, ",\"href\":\"");
	write_reference(b, l, i);
	http_buf_text(b, e->directory ? "\",\"type\":\"directory\""
				      : "\",\"type\":\"file\",\"size\":");
	if (!e->directory)
		http_buf_number(b, e->size);
	if (http_date_iso(e->mtime, time)) {
		http_buf_text(b, ",\"modified\":\"");
		http_buf_text(b, time);
		http_buf_text(b, "\"");
	}
	http_buf_text(b, "}");
}

void http_listing_json(struct http_buf *b, const struct http_listing *l, const char *path)
{
	http_buf_text(b, "{\"path\":");
	http_utf8_json(b, path);
	http_buf_text(b, ",\"limit\":");
	http_buf_number(b, l->max);
	http_buf_text(b, l->cut ? ",\"truncated\":true,\"entries\":[\n"
				: ",\"truncated\":false,\"entries\":[\n");
	for (size_t i = 0; i < l->count && !b->failed; i++) {
		write_object(b, l, i);
		http_buf_text(b, i + 1 < l->count ? ",\n" : "\n");
	}
	http_buf_text(b, "]}\n");
}
