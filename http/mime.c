/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of media types. Names are those of the IANA registry where it has one, else the form in
 * common use. Text is UTF-8, and says so: without a charset some browsers guess (RFC 9110 8.3.2).
 */
#include "http/mime.h"

#include <stdlib.h>
#include <string.h>

#include "http/str.h"

#define UTF8 "; charset=utf-8"

/* Sorted by extension: it is searched by halves. */
static const struct http_mime types[] = {
	{"3gp", "video/3gpp"},
	{"7z", "application/x-7z-compressed"},
	{"aac", "audio/aac"},
	{"apk", "application/vnd.android.package-archive"},
	{"apng", "image/apng"},
	{"asc", "application/pgp-signature"},
	{"atom", "application/atom+xml" UTF8},
	{"avi", "video/x-msvideo"},
	{"avif", "image/avif"},
	{"bin", "application/octet-stream"},
	{"bmp", "image/bmp"},
	{"br", "application/octet-stream"},
	{"bz2", "application/x-bzip2"},
	{"c", "text/plain" UTF8},
	{"cc", "text/plain" UTF8},
	{"cer", "application/x-x509-ca-cert"},
	{"cjs", "text/javascript" UTF8},
	{"conf", "text/plain" UTF8},
	{"cpp", "text/plain" UTF8},
	{"crt", "application/x-x509-ca-cert"},
	{"css", "text/css" UTF8},
	{"csv", "text/csv" UTF8},
	{"cur", "image/vnd.microsoft.icon"},
	{"deb", "application/vnd.debian.binary-package"},
	{"der", "application/x-x509-ca-cert"},
	{"diff", "text/x-diff" UTF8},
	{"djvu", "image/vnd.djvu"},
	{"dmg", "application/octet-stream"},
	{"doc", "application/msword"},
	{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{"eot", "application/vnd.ms-fontobject"},
	{"eps", "application/postscript"},
	{"epub", "application/epub+zip"},
	{"exe", "application/octet-stream"},
	{"flac", "audio/flac"},
	{"geojson", "application/geo+json" UTF8},
	{"gif", "image/gif"},
	{"glb", "model/gltf-binary"},
	{"gltf", "model/gltf+json"},
	{"go", "text/plain" UTF8},
	{"gpx", "application/gpx+xml" UTF8},
	{"gz", "application/gzip"},
	{"h", "text/plain" UTF8},
	{"heic", "image/heic"},
	{"heif", "image/heif"},
	{"hpp", "text/plain" UTF8},
	{"htm", "text/html" UTF8},
	{"html", "text/html" UTF8},
	{"ico", "image/vnd.microsoft.icon"},
	{"ics", "text/calendar" UTF8},
	{"img", "application/octet-stream"},
	{"ini", "text/plain" UTF8},
	{"iso", "application/octet-stream"},
	{"jar", "application/java-archive"},
	{"jfif", "image/jpeg"},
	{"jpe", "image/jpeg"},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"js", "text/javascript" UTF8},
	{"json", "application/json" UTF8},
	{"jsonld", "application/ld+json" UTF8},
	{"jsx", "text/jsx" UTF8},
	{"jxl", "image/jxl"},
	{"kml", "application/vnd.google-earth.kml+xml" UTF8},
	{"log", "text/plain" UTF8},
	{"m3u8", "application/vnd.apple.mpegurl"},
	{"m4a", "audio/mp4"},
	{"m4s", "video/iso.segment"},
	{"m4v", "video/mp4"},
	{"map", "application/json" UTF8},
	{"markdown", "text/markdown" UTF8},
	{"mathml", "application/mathml+xml" UTF8},
	{"md", "text/markdown" UTF8},
	{"mid", "audio/midi"},
	{"midi", "audio/midi"},
	{"mjs", "text/javascript" UTF8},
	{"mkv", "video/matroska"},
	{"mov", "video/quicktime"},
	{"mp3", "audio/mpeg"},
	{"mp4", "video/mp4"},
	{"mpd", "application/dash+xml"},
	{"mpeg", "video/mpeg"},
	{"mpg", "video/mpeg"},
	{"msi", "application/octet-stream"},
	{"ndjson", "application/x-ndjson" UTF8},
	{"odp", "application/vnd.oasis.opendocument.presentation"},
	{"ods", "application/vnd.oasis.opendocument.spreadsheet"},
	{"odt", "application/vnd.oasis.opendocument.text"},
	{"oga", "audio/ogg"},
	{"ogg", "audio/ogg"},
	{"ogv", "video/ogg"},
	{"opus", "audio/ogg"},
	{"otf", "font/otf"},
	{"p12", "application/x-pkcs12"},
	{"patch", "text/x-diff" UTF8},
	{"pcap", "application/vnd.tcpdump.pcap"},
	{"pcapng", "application/x-pcapng"},
	{"pdf", "application/pdf"},
	{"pem", "application/x-pem-file"},
	{"png", "image/png"},
	{"ppt", "application/vnd.ms-powerpoint"},
	{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	{"ps", "application/postscript"},
	{"psd", "image/vnd.adobe.photoshop"},
	{"py", "text/x-python" UTF8},
	{"rar", "application/vnd.rar"},
	{"rpm", "application/x-rpm"},
	{"rs", "text/plain" UTF8},
	{"rss", "application/rss+xml" UTF8},
	{"rtf", "application/rtf"},
	{"sh", "text/x-sh" UTF8},
	{"shtml", "text/html" UTF8},
	{"sig", "application/pgp-signature"},
	{"sql", "application/sql" UTF8},
	{"sqlite", "application/vnd.sqlite3"},
	{"srt", "text/plain" UTF8},
	{"stl", "model/stl"},
	{"svg", "image/svg+xml" UTF8},
	{"svgz", "image/svg+xml"},
	{"swf", "application/x-shockwave-flash"},
	{"tar", "application/x-tar"},
	{"tex", "application/x-tex" UTF8},
	{"text", "text/plain" UTF8},
	{"tgz", "application/gzip"},
	{"tif", "image/tiff"},
	{"tiff", "image/tiff"},
	{"toml", "application/toml" UTF8},
	{"torrent", "application/x-bittorrent"},
	{"tsv", "text/tab-separated-values" UTF8},
	{"ttc", "font/collection"},
	{"ttf", "font/ttf"},
	{"txt", "text/plain" UTF8},
	{"vcf", "text/vcard" UTF8},
	{"vtt", "text/vtt" UTF8},
	{"wasm", "application/wasm"},
	{"wav", "audio/wav"},
	{"weba", "audio/webm"},
	{"webm", "video/webm"},
	{"webmanifest", "application/manifest+json" UTF8},
	{"webp", "image/webp"},
	{"woff", "font/woff"},
	{"woff2", "font/woff2"},
	{"xhtml", "application/xhtml+xml" UTF8},
	{"xls", "application/vnd.ms-excel"},
	{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{"xml", "application/xml" UTF8},
	{"xsl", "application/xslt+xml" UTF8},
	{"xslt", "application/xslt+xml" UTF8},
	{"xz", "application/x-xz"},
	{"yaml", "application/yaml" UTF8},
	{"yml", "application/yaml" UTF8},
	{"zip", "application/zip"},
	{"zst", "application/zstd"},
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))
#define EXTENSION_MAX HTTP_EXTENSION_SIZE

static int compare(const void *key, const void *entry)
{
	const struct http_mime *e = entry;

	return strcmp(key, e->extension);
}

/* What stands behind the last dot of the name, in lower case; false when there is no such thing. */
static bool extension_of(const char *path, char extension[EXTENSION_MAX])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');
	size_t len;

	if (!dot || dot == name)
		return false;
	len = strlen(dot + 1);
	if (len == 0 || len >= EXTENSION_MAX)
		return false;
	for (size_t i = 0; i <= len; i++)
		extension[i] = http_lower(dot[1 + i]);
	return true;
}

static const char *builtin_type(const char *extension)
{
	const struct http_mime *found =
		bsearch(extension, types, TYPE_COUNT, sizeof(types[0]), compare);

	return found ? found->type : NULL;
}

const char *http_mime_type(const struct http_mime_table *table, const char *path)
{
	char extension[EXTENSION_MAX];
	const char *type = NULL;

	if (!extension_of(path, extension))
		return HTTP_MIME_DEFAULT;
	if (table && http_mime_table_overrides(table))
		type = http_mime_table_find(table, extension);
	if (!type)
		type = builtin_type(extension);
	if (!type && table)
		type = http_mime_table_find(table, extension);
	return type ? type : HTTP_MIME_DEFAULT;
}

/* ------------------------------------------------------------------ what compresses */

/* Is `type` one of the list, or below one of its entries that end with '/'? */
static bool listed(const char *type, const char *const *list)
{
	const size_t len = strcspn(type, ";");

	for (; *list; list++) {
		const size_t n = strlen(*list);

		if ((*list)[n - 1] == '/' ? strncmp(type, *list, n) == 0
					  : n == len && memcmp(type, *list, n) == 0)
			return true;
	}
	return false;
}

bool http_mime_packed(const char *path, const char *type)
{
	static const char *const packed[] = {
		"image/",
		"video/",
		"audio/",
		"font/woff",
		"font/woff2",
		"application/epub+zip",
		"application/gzip",
		"application/java-archive",
		"application/vnd.android.package-archive",
		"application/vnd.debian.binary-package",
		"application/vnd.rar",
		"application/x-7z-compressed",
		"application/x-bzip2",
		"application/x-rpm",
		"application/x-xz",
		"application/zip",
		"application/zstd",
		NULL,
	};
	static const char *const not_packed[] = {
		"image/bmp",
		"image/svg+xml",
		"image/vnd.adobe.photoshop",
		"image/vnd.microsoft.icon",
		"audio/midi",
		NULL,
	};
	char extension[EXTENSION_MAX];

	if (extension_of(path, extension) &&
	    (strcmp(extension, "br") == 0 || strcmp(extension, "svgz") == 0))
		return true;
	return listed(type, packed) && !listed(type, not_packed);
}

const struct http_mime *http_mime_entry(size_t i)
{
	return i < TYPE_COUNT ? &types[i] : NULL;
}

bool http_mime_compressible(const char *type)
{
	static const char *const types_of_text[] = {
		"text/",
		"application/json",
		"application/javascript",
		"application/postscript",
		"application/rtf",
		"application/sql",
		"application/toml",
		"application/vnd.apple.mpegurl",
		"application/vnd.ms-fontobject",
		"application/wasm",
		"application/x-javascript",
		"application/x-ndjson",
		"application/x-sh",
		"application/x-tex",
		"application/xml",
		"application/yaml",
		"font/collection",
		"font/otf",
		"font/ttf",
		"image/bmp",
		"image/vnd.microsoft.icon",
		"model/stl",
		NULL,
	};
	const size_t len = strcspn(type, ";");

	/* RFC 6839: what the end of a type says */
	return listed(type, types_of_text) || (len > 4 && memcmp(type + len - 4, "+xml", 4) == 0) ||
	       (len > 5 && memcmp(type + len - 5, "+json", 5) == 0);
}
