/* SPDX-License-Identifier: Apache-2.0 */
/* options_table.c — every option, once. --help, --print-config and the three ways in are made of this. */
#include "server/options_table.h"

#include "server/options_limits.h"

/* ------------------------------------------------------------------ kinds of values */

static bool parse_text(const char *text, void *field)
{
	(void)field;
	return *text != '\0';
}

static bool parse_interface(const char *text, void *field)
{
	(void)field;
	return value_interface(text);
}

static bool parse_address(const char *text, void *field)
{
	return value_link_address(text, field);
}

static bool parse_address6(const char *text, void *field)
{
	return value_link_address6(text, field);
}

static bool parse_port(const char *text, void *field)
{
	return value_port(text, field);
}

static bool parse_mtu(const char *text, void *field)
{
	unsigned long n;

	if (!value_number(text, 576, 65535, &n))
		return false;
	*(unsigned *)field = (unsigned)n;
	return true;
}

static bool parse_workers(const char *text, void *field)
{
	unsigned long n = 0;

	if (!(text[0] == 'a' && text[1] == 'u' && text[2] == 't' && text[3] == 'o' && !text[4]) &&
	    !value_number(text, 1, 64, &n))
		return false;
	*(unsigned *)field = (unsigned)n;
	return true;
}

static bool parse_handshakes(const char *text, void *field)
{
	unsigned long n;

	if (!value_number(text, 1, 65535, &n))
		return false;
	*(unsigned *)field = (unsigned)n;
	return true;
}

static bool parse_seconds(const char *text, void *field)
{
	return value_seconds(text, field);
}

static bool parse_timeout(const char *text, void *field)
{
	uint64_t us;

	if (!value_seconds(text, &us) || us == 0)
		return false;
	*(uint64_t *)field = us;
	return true;
}

/* Off, or not so short that it would be a nuisance. */
static bool parse_keepalive(const char *text, void *field)
{
	uint64_t us;

	if (!value_seconds(text, &us) || (us != 0 && us < 1000000))
		return false;
	*(uint64_t *)field = us;
	return true;
}

static bool parse_log(const char *text, void *field)
{
	return value_log_format(text, field);
}

static bool parse_log_file(const char *text, void *field)
{
	return log_target_parse(text, field);
}

static bool parse_on_off(const char *text, void *field)
{
	return value_on_off(text, field);
}

static bool parse_ecn(const char *text, void *field)
{
	return value_ecn(text, field);
}

static bool parse_names(const char *text, void *field)
{
	return value_names(text, field);
}

static bool parse_files(const char *text, void *field)
{
	return value_files(text, field);
}

static bool parse_interfaces(const char *text, void *field)
{
	return value_interfaces(text, field);
}

static void free_names(void *field)
{
	name_list_free(field);
}

static bool parse_client_auth(const char *text, void *field)
{
	return value_client_auth(text, field);
}

const struct option_kind option_kind_text = {.parse = parse_text, .allowed = "some text"};
const struct option_kind option_kind_interface = {
	.parse = parse_interface,
	.allowed = "the name of a network interface, up to 15 characters"};
static const struct option_kind kind_address = {
	.parse = parse_address,
	.allowed = "a host's IPv4 address and prefix length from 1 to 30, such as 10.77.0.2/24"};
static const struct option_kind kind_address6 = {
	.parse = parse_address6,
	.allowed = "a host's IPv6 address and prefix length from 1 "
		   "to 126, such as fd77:7475:6e00::2/64, or off"};
static const struct option_kind kind_port = {.parse = parse_port,
					     .allowed = "a port from 1 to 65535, or off"};
static const struct option_kind kind_mtu = {.parse = parse_mtu,
					    .allowed = "bytes from 576 to 65535"};
static const struct option_kind kind_workers = {.parse = parse_workers,
						.allowed = "1 to 64, or auto"};
static const struct option_kind kind_handshakes = {.parse = parse_handshakes,
						   .allowed = "1 to 65535"};
static const struct option_kind kind_seconds = {.parse = parse_seconds,
						.allowed = "seconds from 0 to 86400"};
static const struct option_kind kind_timeout = {
	.parse = parse_timeout, .allowed = "seconds above 0, up to 86400, such as 30 or 0.5"};
static const struct option_kind kind_keepalive = {
	.parse = parse_keepalive, .allowed = "0 for off, or seconds from 1 to 86400"};
static const struct option_kind kind_log = {
	.parse = parse_log,
	.allowed = "combined, json, off, or a text with variables such as $status"};
static const struct option_kind kind_log_file = {
	.parse = parse_log_file,
	.allowed = "-, stderr, the path of a file, or syslog[:FACILITY][:/SOCKET]"};
static const struct option_kind kind_on_off = {.parse = parse_on_off, .allowed = "on or off"};
static const struct option_kind kind_ecn = {.parse = parse_ecn, .allowed = "off, answer or ask"};
static const struct option_kind kind_names = {
	.parse = parse_names,
	.allowed = "DNS names or IP addresses with commas between, up to 32",
	.joint = ',',
	.free = free_names};
static const struct option_kind kind_files = {
	.parse = parse_files,
	.allowed = "paths of files with commas between, up to 32",
	.joint = ',',
	.free = free_names};
static const struct option_kind kind_interfaces = {
	.parse = parse_interfaces,
	.allowed = "names of network interfaces with commas between, auto, or off",
	.free = free_names};
static const struct option_kind kind_client_auth = {.parse = parse_client_auth,
						    .allowed = "off, wanted or required"};
static const struct option_kind kind_switch = {0};

/* ------------------------------------------------------------------ the table */

#define FIELD(member) offsetof(struct options, member)
#define SITE(member) .site = true, .offset = offsetof(struct site_options, member)

/* clang-format off */
const struct option_def option_table[] = {
	{.name = "root", .kind = &option_kind_text, SITE(root), .default_text = ".",
	 .argument = "DIR", .help = "directory to be served; the same as DIR by itself"},
	{.name = "index", .kind = &option_kind_index, SITE(index), .default_text = "index.html",
	 .argument = "NAME,...", .help = "files that answer for their directory; the first that is there"},
	{.name = "clean-urls", .kind = &kind_on_off, SITE(clean_urls), .default_text = "off",
	 .argument = "on|off", .help = "/about is about.html, and /about.html is redirected to /about"},
	{.name = "fallback", .kind = &option_kind_page, SITE(fallback), .default_text = "off",
	 .argument = "PATH|off",
	 .help = "page for whom a browser takes to an address where nothing is: /index.html"},
	{.name = "error-page", .kind = &option_kind_error_pages, SITE(error_pages),
	 .default_text = "off", .argument = "\"CODE,... PATH\"",
	 .help = "own page for errors: \"404 /404.html\"; may be repeated"},
	{.name = "listing", .kind = &kind_on_off, SITE(listing), .default_text = "off",
	 .argument = "on|off", .help = "list directories without an index, as HTML or JSON"},
	{.name = "listing-max", .kind = &option_kind_listing_max, SITE(listing_max),
	 .default_text = "10000", .argument = "N", .help = "names in a listing, at most"},
	{.name = "symlinks", .kind = &option_kind_symlinks, SITE(symlinks),
	 .default_text = "beneath", .argument = "beneath|none",
	 .help = "follow symbolic links that stay in the directory, or none"},
	{.name = "dotfiles", .kind = &kind_on_off, SITE(dotfiles), .default_text = "off",
	 .argument = "on|off",
	 .help = "serve names that begin with a dot; /.well-known/ is always served"},
	{.name = "mime-types", .kind = &option_kind_text, .offset = FIELD(files.mime_types),
	 .default_text = "auto", .argument = "auto|builtin|FILE",
	 .help = "more media types: the system's, none, or those of a file, which go before our own"},
	{.name = "precompressed", .kind = &kind_on_off, .offset = FIELD(files.precompressed),
	 .default_text = "on", .argument = "on|off",
	 .help = "serve file.br, file.zst and file.gz in place of file to clients that take them"},
	{.name = "compress", .kind = &kind_on_off, .offset = FIELD(files.compress),
	 .default_text = "on", .argument = "on|off",
	 .help = "compress what is text and has no such file, in the background, for those who come later"},
	{.name = "compress-memory", .kind = &option_kind_cache_memory,
	 .offset = FIELD(files.compress_memory), .default_text = "32m", .argument = "SIZE",
	 .help = "memory for what was compressed, in a worker"},
	{.name = "file-cache", .kind = &kind_on_off, .offset = FIELD(files.cache),
	 .default_text = "on", .argument = "on|off",
	 .help = "keep files in memory or open; changes still show at once"},
	{.name = "file-cache-entries", .kind = &option_kind_cache_entries,
	 .offset = FIELD(files.cache_entries), .default_text = "4096", .argument = "N",
	 .help = "files kept by a worker"},
	{.name = "file-cache-memory", .kind = &option_kind_cache_memory,
	 .offset = FIELD(files.cache_memory), .default_text = "32m", .argument = "SIZE",
	 .help = "memory for them in a worker"},
	{.name = "file-cache-small", .kind = &option_kind_cache_small,
	 .offset = FIELD(files.cache_small), .default_text = "64k", .argument = "SIZE",
	 .help = "the largest file kept in memory; larger ones are kept open"},
	{.name = "file-cache-open", .kind = &option_kind_cache_descriptors,
	 .offset = FIELD(files.cache_descriptors), .default_text = "256", .argument = "N",
	 .help = "files kept open by a worker"},
	{.name = "address", .letter = 'a', .kind = &kind_address, .offset = FIELD(address),
	 .default_text = "10.77.0.2/24", .argument = "ADDR/LEN",
	 .help = "address of the server; the host gets the first other one of the prefix"},
	{.name = "address6", .kind = &kind_address6, .offset = FIELD(address6),
	 .default_text = "fd77:7475:6e00::2/64", .argument = "ADDR/LEN|off",
	 .help = "the same for IPv6; without IPv6 on the host it goes on without"},
	{.name = "http", .kind = &kind_port, .offset = FIELD(http), .default_text = "80",
	 .argument = "PORT", .help = "port for http, or off"},
	{.name = "https", .kind = &kind_port, .offset = FIELD(https), .default_text = "443",
	 .argument = "PORT", .help = "port for https, or off"},
	{.name = "http2", .kind = &kind_on_off, .offset = FIELD(http2), .default_text = "on",
	 .argument = "on|off", .help = "offer HTTP/2 to clients of https"},
	{.name = "http2-clear", .kind = &kind_on_off, .offset = FIELD(http2_clear),
	 .default_text = "off", .argument = "on|off",
	 .help = "take HTTP/2 from clients of http who begin with it, too"},
	{.name = "cert", .kind = &kind_files, SITE(cert), .argument = "FILE,...",
	 .default_words = "from a local authority in --state",
	 .help = "certificate chain, PEM, in any order; more of them: chosen by name, and by kind"},
	{.name = "key", .kind = &kind_files, SITE(key), .argument = "FILE,...",
	 .help = "its private key, PEM; one for each --cert, in the same order"},
	{.name = "redirect-https", .kind = &kind_on_off, SITE(redirect_https), .default_text = "off",
	 .argument = "on|off", .help = "send clients of http to https, but for ACME's challenges"},
	{.name = "redirect", .kind = &option_kind_redirects, SITE(redirects),
	 .argument = "'FROM TO [STATUS]'",
	 .help = "paths that are elsewhere: /old /new, or /old/* /new/* 308; may be repeated"},
	{.name = "hsts", .kind = &option_kind_hsts, SITE(hsts), .default_text = "off",
	 .argument = "SECONDS[,...]|off",
	 .help = "browsers are to use https alone; perhaps with \", includeSubDomains\", \", preload\""},
	{.name = "security-headers", .kind = &kind_on_off, SITE(security_headers),
	 .default_text = "off", .argument = "on|off",
	 .help = "the usual ones: no sniffing, framing, foreign windows; short referrers"},
	{.name = "header", .kind = &option_kind_headers, SITE(fields), .argument = "'NAME: VALUE'",
	 .help = "a header field for every response; may be repeated"},
	{.name = "cache", .kind = &option_kind_cache, SITE(cache), .argument = "'PATTERN VALUE'",
	 .help = "Cache-Control by file: *.html no-cache, /img/** max-age=3600; may be repeated"},
	{.name = "cache-hashed", .kind = &kind_on_off, SITE(cache_hashed), .default_text = "off",
	 .argument = "on|off",
	 .help = "files with a hash in their name, such as app.3f2a91bc.js, never change"},
	{.name = "cors", .kind = &option_kind_cors, SITE(cors), .argument = "'ORIGIN ...'|*",
	 .help = "whose pages may read the files: https://app.example.org, or *"},
	{.name = "cors-headers", .kind = &option_kind_cors_headers, SITE(cors_headers),
	 .argument = "NAME,...|*", .help = "header fields that their requests may have"},
	{.name = "cors-max-age", .kind = &kind_seconds, SITE(cors_max_age_us), .default_text = "0",
	 .argument = "SECONDS", .help = "how long browsers may remember that; 0: their default"},
	{.name = "cors-credentials", .kind = &kind_on_off, SITE(cors_credentials),
	 .default_text = "off", .argument = "on|off",
	 .help = "their requests may have cookies and passwords"},
	{.name = "auth", .kind = &option_kind_auth, SITE(auth), .argument = "'PATH FILE \"REALM\"'",
	 .help = "a path for users with a password, from a file of htpasswd -B; may be repeated"},
	{.name = "auth-over-http", .kind = &kind_on_off, SITE(auth_over_http), .default_text = "off",
	 .argument = "on|off", .help = "ask for passwords without TLS, too, instead of refusing (403)"},
	{.name = "strict-hosts", .kind = &kind_on_off, .offset = FIELD(strict_hosts),
	 .default_text = "off", .argument = "on|off",
	 .help = "refuse requests for a host that no site has (421)"},
	{.name = "strict-names", .kind = &kind_on_off, .offset = FIELD(strict_names),
	 .default_text = "off", .argument = "on|off",
	 .help = "refuse clients that ask for a name which no certificate has"},
	{.name = "client-cert", .kind = &kind_client_auth, .offset = FIELD(client_auth),
	 .default_text = "off", .argument = "off|wanted|required",
	 .help = "ask clients for a certificate"},
	{.name = "client-ca", .kind = &option_kind_text, .offset = FIELD(client_ca),
	 .argument = "FILE", .help = "whom client certificates must come from, PEM"},
	{.name = "ticket-lifetime", .kind = &kind_seconds, .offset = FIELD(ticket_lifetime_us),
	 .default_text = "43200", .argument = "SECONDS",
	 .help = "how long a client may resume its TLS session; 0 switches that off"},
	{.name = "ticket-keys", .kind = &option_kind_text, .offset = FIELD(ticket_keys),
	 .argument = "FILE", .default_words = "made here, new after half a lifetime",
	 .help = "keys that replicas share: 48 random bytes, then the 48 before them"},
	{.name = "keylog", .kind = &option_kind_text, .offset = FIELD(keylog), .argument = "FILE",
	 .help = "write every connection's TLS secrets there: who reads it reads all", .no_file = true},
	{.name = "state", .kind = &option_kind_text, .offset = FIELD(state), .argument = "DIR",
	 .default_words = "$XDG_DATA_HOME/tunhttpd or ~/.local/share/tunhttpd",
	 .help = "where the local certificate authority lives"},
	{.name = "name", .kind = &kind_names, .offset = FIELD(names), .argument = "NAME,...",
	 .help = "more names for the local certificate; may be repeated"},
	{.name = "tun", .kind = &option_kind_interface, .offset = FIELD(tun),
	 .default_text = "tunhttpd0", .argument = "NAME", .help = "name of the TUN device"},
	{.name = "publish", .kind = &kind_interfaces, .offset = FIELD(publish),
	 .default_text = "off", .argument = "IFACE,...|auto|off",
	 .help = "these interfaces' own addresses are the server's, too (nftables); auto: all"},
	{.name = "mtu", .kind = &kind_mtu, .offset = FIELD(mtu), .default_text = "1500",
	 .argument = "BYTES", .help = "MTU of the TUN device"},
	{.name = "offload", .kind = &kind_on_off, .offset = FIELD(offload), .default_text = "on",
	 .argument = "on|off", .help = "leave checksums and cutting into segments to the kernel"},
	{.name = "ecn", .kind = &kind_ecn, .offset = FIELD(ecn), .default_text = "answer",
	 .argument = "off|answer|ask",
	 .help = "congestion marks (ECN): never, when the client asks, or asking for them, too"},
	{.name = "fast-open", .kind = &kind_on_off, .offset = FIELD(fast_open),
	 .default_text = "off", .argument = "on|off",
	 .help = "take requests in SYNs (TCP Fast Open, RFC 7413); one may be served twice"},
	{.name = "workers", .kind = &kind_workers, .offset = FIELD(workers),
	 .default_text = "auto", .argument = "N", .help = "worker processes; auto: one per processor"},
	{.name = "user", .kind = &option_kind_text, .offset = FIELD(user),
	 .default_text = "nobody", .argument = "USER", .help = "user that the workers become"},
	{.name = "sandbox", .kind = &kind_on_off, .offset = FIELD(sandbox), .default_text = "on",
	 .argument = "on|off",
	 .help = "workers make no other system calls than serving takes (seccomp, Landlock)"},
	{.name = "log", .kind = &kind_log, .offset = FIELD(log), .default_text = "combined",
	 .argument = "FORMAT",
	 .help = "access log: combined, json, off, or a text such as '$remote_addr $status'"},
	{.name = "log-file", .kind = &kind_log_file, .offset = FIELD(log_target),
	 .default_text = "-", .argument = "FILE",
	 .help = "where it goes: -, stderr, a file (SIGUSR1 opens it anew), syslog[:FACILITY]"},
	{.name = "log-connections", .kind = &kind_on_off, .offset = FIELD(log_connections),
	 .default_text = "off", .argument = "on|off",
	 .help = "a line there for each connection that is over, and why"},
	{.name = "request-id", .kind = &kind_on_off, .offset = FIELD(request_id),
	 .default_text = "off", .argument = "on|off",
	 .help = "send each response with the id that the log has, as X-Request-Id"},
	{.name = "grace", .kind = &kind_seconds, .offset = FIELD(grace_us), .default_text = "10",
	 .argument = "SECONDS", .help = "how long responses under way may take when stopping"},
	{.name = "header-timeout", .kind = &kind_timeout, .offset = FIELD(header_timeout_us),
	 .default_text = "20", .argument = "SECONDS",
	 .help = "from the first byte of a request to the end of its header"},
	{.name = "idle-timeout", .kind = &kind_timeout, .offset = FIELD(idle_timeout_us),
	 .default_text = "60", .argument = "SECONDS", .help = "between requests"},
	{.name = "handshake-timeout", .kind = &kind_timeout, .offset = FIELD(handshake_timeout_us),
	 .default_text = "10", .argument = "SECONDS", .help = "for the TLS handshake"},
	{.name = "max-handshakes", .kind = &kind_handshakes, .offset = FIELD(max_handshakes),
	 .default_text = "1024", .argument = "N",
	 .help = "TLS handshakes under way at once in a worker; more of them wait"},
	{.name = "body-timeout", .kind = &kind_timeout, .offset = FIELD(limits.body_timeout_us),
	 .default_text = "20", .argument = "SECONDS",
	 .help = "for a client that sends no byte of its request's content"},
	{.name = "max-connections", .kind = &option_kind_connections,
	 .offset = FIELD(limits.connections), .default_text = "16384", .argument = "N",
	 .help = "connections of a worker; for one more the longest idle one is closed"},
	{.name = "max-connections-per-client", .kind = &option_kind_client_connections,
	 .offset = FIELD(limits.client_connections), .default_text = "4096", .argument = "N|off",
	 .help = "connections of one address (IPv6: /64) to all workers; others are reset"},
	{.name = "limit-requests", .kind = &option_kind_limit, SITE(requests),
	 .default_text = "off", .argument = "N/s[,BURST]|off",
	 .help = "requests of one address (IPv6: /64) to all workers; others get 429"},
	{.name = "limit-exempt", .kind = &option_kind_prefixes, .offset = FIELD(limits.exempt),
	 .argument = "PREFIX,...",
	 .help = "clients without these two limits, such as probes and load balancers"},
	{.name = "min-receive-rate", .kind = &option_kind_rate,
	 .offset = FIELD(limits.receive_rate), .default_text = "240", .argument = "RATE|off",
	 .help = "bytes a second in which a request must come at least, over --rate-window"},
	{.name = "min-send-rate", .kind = &option_kind_rate, .offset = FIELD(limits.send_rate),
	 .default_text = "240", .argument = "RATE|off",
	 .help = "bytes a second of a response that a client must acknowledge at least"},
	{.name = "rate-window", .kind = &kind_timeout, .offset = FIELD(limits.rate_window_us),
	 .default_text = "60", .argument = "SECONDS",
	 .help = "so long a client may be slower than the minimum rates"},
	{.name = "max-header-size", .kind = &option_kind_head_size, .offset = FIELD(limits.head_size),
	 .default_text = "16k", .argument = "SIZE",
	 .help = "request line and header fields together; a longer one is answered with 431"},
	{.name = "max-target-size", .kind = &option_kind_target_size,
	 .offset = FIELD(limits.target_size), .default_text = "8k", .argument = "SIZE",
	 .help = "path and query of a request; longer ones are answered with 414"},
	{.name = "max-header-fields", .kind = &option_kind_fields, .offset = FIELD(limits.fields),
	 .default_text = "100", .argument = "N",
	 .help = "header fields of a request; one with more is answered with 431"},
	{.name = "max-body-size", .kind = &option_kind_body_size, .offset = FIELD(limits.body_size),
	 .default_text = "1m", .argument = "SIZE",
	 .help = "content of a request, which is read and dropped; a larger one is answered with 413"},
	{.name = "max-requests", .kind = &option_kind_requests, .offset = FIELD(limits.requests),
	 .default_text = "1000", .argument = "N",
	 .help = "requests of one connection, which is then closed in order"},
	{.name = "max-pipeline", .kind = &option_kind_requests, .offset = FIELD(limits.pipeline),
	 .default_text = "64", .argument = "N",
	 .help = "requests sent ahead that are answered in a row, before other clients have their turn"},
	{.name = "max-ranges", .kind = &option_kind_ranges, .offset = FIELD(limits.ranges),
	 .default_text = "32", .argument = "N",
	 .help = "parts of a file in one request; with more it gets the whole; 0: no parts at all"},
	{.name = "send-timeout", .kind = &kind_timeout, .offset = FIELD(send_timeout_us),
	 .default_text = "60", .argument = "SECONDS",
	 .help = "for a client that takes no byte of its response"},
	{.name = "linger-timeout", .kind = &kind_timeout, .offset = FIELD(linger_timeout_us),
	 .default_text = "5", .argument = "SECONDS",
	 .help = "for the client's FIN once it has acknowledged ours"},
	{.name = "tcp-timeout", .kind = &kind_timeout, .offset = FIELD(tcp_timeout_us),
	 .default_text = "120", .argument = "SECONDS",
	 .help = "for a client that acknowledges nothing at all"},
	{.name = "tcp-keepalive", .kind = &kind_keepalive, .offset = FIELD(tcp_keepalive_us),
	 .default_text = "0", .argument = "SECONDS",
	 .help = "probe a client silent for so long; 0: off, the time-outs above end every wait"},
	{.name = "config", .letter = 'c', .kind = &option_kind_text, .offset = FIELD(config),
	 .argument = "FILE", .help = "configuration file: name = value, a line each",
	 .no_file = true},
	{.name = "check", .kind = &kind_switch, .offset = FIELD(check),
	 .help = "check everything, start nothing"},
	{.name = "print-config", .kind = &kind_switch, .offset = FIELD(print_config),
	 .help = "print every option with its value and where that came from"},
	{.name = "help", .letter = 'h', .kind = &kind_switch, .offset = FIELD(help),
	 .help = "this text"},
	{.name = "version", .letter = 'V', .kind = &kind_switch, .offset = FIELD(version),
	 .help = "versions of the program and of its libraries"},
};
/* clang-format on */

const size_t option_count = sizeof option_table / sizeof option_table[0];
_Static_assert(sizeof option_table / sizeof option_table[0] <= OPTIONS_MAX, "OPTIONS_MAX");
