/* SPDX-License-Identifier: Apache-2.0 */
/* link_options.c — see link_options.h: one table for the parser and for --help. */
#include "lab/link_options.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "lab/link_rng.h"
#include "lab/link_values.h"
#include "server/options.h"
#include "server/suggest.h"
#include "server/values.h"

#define QUEUE_DEFAULT 1000u         /* packets at a bottleneck about whose queue nothing is said */
#define REORDER_BY_DEFAULT 5000000u /* ns */

#define LEFT_TO_RIGHT 1u
#define RIGHT_TO_LEFT 2u

enum segment {
	SEGMENT_AUTO,
	SEGMENT_ON,
	SEGMENT_OFF
};

/* What one call of link_options_parse works with. */
struct reading {
	struct link_options *o;
	char *error;
	unsigned directions; /* that the next option is for */
	enum segment segment[2];
};

/* A row takes a value for both sides and directions (`parse`) or for one direction at a time (`each`). One
 * without `argument` takes no value, and its function gets "". */
struct row {
	const char *name, *argument;
	bool (*parse)(struct reading *r, const char *text);
	bool (*each)(struct link_config *cfg, const char *text);
	const char *allowed;
	const char *help;
};

static bool fail(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct reading *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, LINK_ERROR_SIZE, format, args);
	va_end(args);
	return false;
}

/* ------------------------------------------------------------------ sides */

/* Can it be a single host's: not a group's, nobody's or everybody's? */
static bool is_host(const struct ip_addr *a)
{
	static const uint8_t none[16];

	return a->version == 4 ? a->bytes[0] != 0 && a->bytes[0] < 224
			       : a->bytes[0] != 0xff && memcmp(a->bytes, none, 16) != 0;
}

static bool parse_address(const char *text, size_t len, struct link_address_option *out)
{
	char copy[64], *slash;
	unsigned long prefix;

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	slash = strchr(copy, '/');
	if (!slash)
		return false;
	*slash = '\0';
	*out = (struct link_address_option){0};
	out->addr.version = strchr(copy, ':') ? 6 : 4;
	const bool v6 = out->addr.version == 6;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, copy, out->addr.bytes) != 1 ||
	    !is_host(&out->addr) || !value_number(slash + 1, 1, v6 ? 128 : 32, &prefix))
		return false;
	out->prefix_len = (unsigned)prefix;
	return true;
}

static bool parse_addresses(struct link_side_options *side, const char *text)
{
	for (;;) {
		const size_t len = strcspn(text, ",");
		if (side->address_count == LINK_ADDRESSES_MAX ||
		    !parse_address(text, len, &side->address[side->address_count++]))
			return false;
		text += len;
		if (*text == '\0')
			return true;
		text++;
	}
}

/* NETNS[:DEV[:ADDR/LEN,...]]. An IPv6 address has colons too, but it comes last. */
static bool parse_side(struct link_side_options *side, const char *text)
{
	const size_t netns = strcspn(text, ":");

	side->given = true;
	side->address_count = 0;
	if (netns >= sizeof side->netns)
		return false;
	memcpy(side->netns, text, netns);
	side->netns[netns] = '\0';
	if (text[netns] == '\0')
		return true;
	text += netns + 1;
	const size_t device = strcspn(text, ":");
	if (device >= sizeof side->device)
		return false;
	if (device > 0) {
		memcpy(side->device, text, device);
		side->device[device] = '\0';
		if (!value_interface(side->device))
			return false;
	}
	return text[device] == '\0' || parse_addresses(side, text + device + 1);
}

static bool take_left(struct reading *r, const char *text)
{
	return parse_side(&r->o->side[0], text);
}

static bool take_right(struct reading *r, const char *text)
{
	return parse_side(&r->o->side[1], text);
}

/* ------------------------------------------------------------------ the link as a whole */

static bool take_left_to_right(struct reading *r, const char *text)
{
	(void)text;
	r->directions = LEFT_TO_RIGHT;
	return true;
}

static bool take_right_to_left(struct reading *r, const char *text)
{
	(void)text;
	r->directions = RIGHT_TO_LEFT;
	return true;
}

static bool take_both(struct reading *r, const char *text)
{
	(void)text;
	r->directions = LEFT_TO_RIGHT | RIGHT_TO_LEFT;
	return true;
}

static bool take_segment(struct reading *r, const char *text)
{
	bool on = false;
	const bool automatic = strcmp(text, "auto") == 0;

	if (!automatic && !value_on_off(text, &on))
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (r->directions & 1u << i)
			r->segment[i] = automatic ? SEGMENT_AUTO : on ? SEGMENT_ON : SEGMENT_OFF;
	return true;
}

static bool take_seed(struct reading *r, const char *text)
{
	r->o->seed_given = link_value_seed(text, &r->o->seed);
	return r->o->seed_given;
}

static bool take_device_mtu(struct reading *r, const char *text)
{
	unsigned long n;

	if (!value_number(text, 576, 65535, &n))
		return false;
	r->o->device_mtu = (unsigned)n;
	return true;
}

static bool take_offload(struct reading *r, const char *text)
{
	return value_on_off(text, &r->o->offload);
}

static bool take_help(struct reading *r, const char *text)
{
	(void)text;
	return r->o->help = true;
}

/* ------------------------------------------------------------------ one direction */

static bool take_delay(struct link_config *cfg, const char *text)
{
	return link_value_time(text, &cfg->delay_ns);
}

static bool take_jitter(struct link_config *cfg, const char *text)
{
	return link_value_time(text, &cfg->jitter_ns);
}

static bool take_rate(struct link_config *cfg, const char *text)
{
	return link_value_rate(text, &cfg->rate);
}

static bool take_queue(struct link_config *cfg, const char *text)
{
	return link_value_queue(text, &cfg->queue_packets, &cfg->queue_bytes);
}

static bool take_mark(struct link_config *cfg, const char *text)
{
	return link_value_queue(text, &cfg->mark_packets, &cfg->mark_bytes);
}

static bool take_loss(struct link_config *cfg, const char *text)
{
	return link_value_share(text, &cfg->loss_ppm);
}

static bool take_burst(struct link_config *cfg, const char *text)
{
	return link_value_burst(text, &cfg->burst_enter_ppm, &cfg->burst_leave_ppm,
				&cfg->burst_loss_ppm);
}

static bool take_reorder(struct link_config *cfg, const char *text)
{
	return link_value_share(text, &cfg->reorder_ppm);
}

static bool take_reorder_by(struct link_config *cfg, const char *text)
{
	return link_value_time(text, &cfg->reorder_ns) && cfg->reorder_ns > 0;
}

static bool take_duplicate(struct link_config *cfg, const char *text)
{
	return link_value_share(text, &cfg->duplicate_ppm);
}

static bool take_corrupt(struct link_config *cfg, const char *text)
{
	return link_value_share(text, &cfg->corrupt_ppm);
}

static bool take_repair(struct link_config *cfg, const char *text)
{
	(void)text;
	return cfg->repair = true;
}

static bool take_mtu(struct link_config *cfg, const char *text)
{
	unsigned long n;

	if (!value_number(text, 68, 65535, &n))
		return false;
	cfg->mtu = (uint32_t)n;
	return true;
}

static bool take_mtu_reply(struct link_config *cfg, const char *text)
{
	(void)text;
	return cfg->mtu_reply = true;
}

/* ------------------------------------------------------------------ the table */

#define TIME "a time up to an hour with its unit, such as 20ms, 300us or 1.5s"
#define SHARE "percent from 0 to 100 with up to four decimals, such as 1 or 0.25%"
#define SIDE                                                                               \
	"NETNS[:DEV[:ADDR/LEN,...]], a namespace (its name, its path, or nothing for the " \
	"current one), the name of a device of up to 15 characters and up to 4 addresses"

/* clang-format off */
static const struct row table[] = {
	{"left", "SIDE", take_left, NULL, SIDE, "the one end: NETNS[:DEV[:ADDR/LEN,...]]"},
	{"right", "SIDE", take_right, NULL, SIDE, "the other end"},
	{"device-mtu", "BYTES", take_device_mtu, NULL, "bytes from 576 to 65535",
	 "MTU of both devices (1500)"},
	{"offload", "on|off", take_offload, NULL, "on or off",
	 "let super segments of up to 64 KiB enter and leave (on)"},
	{"seed", "N", take_seed, NULL, "a number of 64 bits, decimal or 0x and hexadecimal",
	 "of everything that happens by chance (a new one, which is printed)"},
	{"left-to-right", NULL, take_left_to_right, NULL, NULL,
	 "what follows is for this direction"},
	{"right-to-left", NULL, take_right_to_left, NULL, NULL,
	 "what follows is for this direction"},
	{"both", NULL, take_both, NULL, NULL, "what follows is for both, as at the beginning"},
	{"delay", "TIME", NULL, take_delay, TIME, "how long a packet is under way"},
	{"jitter", "TIME", NULL, take_jitter, TIME,
	 "up to so much longer, by chance; packets stay in order"},
	{"rate", "RATE", NULL, take_rate,
	 "1kbit to 1000gbit with the unit bit, kbit, mbit or gbit (decimal, a second)",
	 "bits a second of the bottleneck, such as 100mbit; IP headers count"},
	{"queue", "PACKETS|BYTES", NULL, take_queue,
	 "packets up to 1000000, such as 100, or bytes with the unit b, kb or mb, such as 64kb",
	 "what may wait there before packets are dropped, such as 100 or 64kb (1000)"},
	{"mark", "PACKETS|BYTES", NULL, take_mark,
	 "packets up to 1000000, such as 20, or bytes with the unit b, kb or mb, such as 30kb",
	 "what may wait there before packets that allow it (ECN) are marked, such as 20 or 30kb"},
	{"loss", "PERCENT", NULL, take_loss, SHARE, "packets lost, each by itself"},
	{"burst", "P:R[:LOSS]", NULL, take_burst,
	 "P:R or P:R:LOSS in percent, with P and R above 0, such as 1:25 or 1:25:80",
	 "packets lost in bursts (Gilbert-Elliott): chances that with a packet the state turns\n"
	 "bad, that it turns good again, and that a packet of the bad state is lost (100)"},
	{"reorder", "PERCENT", NULL, take_reorder, SHARE, "packets held back, so that others overtake"},
	{"reorder-by", "TIME", NULL, take_reorder_by, TIME, "for so long (5ms)"},
	{"duplicate", "PERCENT", NULL, take_duplicate, SHARE, "packets that arrive twice"},
	{"corrupt", "PERCENT", NULL, take_corrupt, SHARE, "packets with one bit flipped"},
	{"repair", NULL, NULL, take_repair, NULL,
	 "flip it in TCP's or UDP's payload and make the checksum right again"},
	{"mtu", "BYTES", NULL, take_mtu, "bytes from 68 to 65535", "larger packets are dropped"},
	{"mtu-reply", NULL, NULL, take_mtu_reply, NULL,
	 "and ICMP tells their sender; without, this is a black hole"},
	{"segment", "on|off|auto", take_segment, NULL, "on, off or auto",
	 "cut super segments, so that each packet has a fate of its own (auto: with loss,\n"
	 "burst, reorder, duplicate, corrupt, queue and mark)"},
	{"help", NULL, take_help, NULL, NULL, "this text"},
};
/* clang-format on */

#define ROWS (sizeof table / sizeof table[0])

static const struct row *find(const char *name, size_t len)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}

static bool unknown(struct reading *r, const char *name, size_t len)
{
	char word[SUGGEST_WORD_MAX + 2];
	struct suggestion near = {.word = word};

	if (len >= sizeof word)
		len = sizeof word - 1;
	memcpy(word, name, len);
	word[len] = '\0';
	for (size_t i = 0; i < ROWS; i++)
		suggest_consider(&near, table[i].name);
	if (near.best)
		return fail(r, "unknown option --%s; did you mean --%s?", word, near.best);
	return fail(r, "unknown option --%s; see tunhttpd link --help", word);
}

static bool apply(struct reading *r, const struct row *row, const char *text)
{
	bool ok = true;

	if (row->parse)
		ok = row->parse(r, text);
	for (unsigned i = 0; i < 2 && row->each && ok; i++)
		if (r->directions & 1u << i)
			ok = row->each(&r->o->path[i], text);
	return ok ||
	       fail(r, "--%s: \"%s\" is not allowed, it takes %s", row->name, text, row->allowed);
}

static bool read_arguments(struct reading *r, int argc, char *const argv[])
{
	for (int i = 0; i < argc; i++) {
		const char *arg = strcmp(argv[i], "-h") == 0 ? "--help" : argv[i];
		if (arg[0] != '-' || arg[1] != '-' || arg[2] == '\0')
			return fail(r, "%s is not an option; see tunhttpd link --help", arg);
		const size_t len = strcspn(arg + 2, "=");
		const struct row *row = find(arg + 2, len);
		const char *value = arg[2 + len] == '=' ? arg + 2 + len + 1 : NULL;
		if (!row)
			return unknown(r, arg + 2, len);
		if (!row->argument && value)
			return fail(r, "--%s takes no value, but was given \"%s\"", row->name,
				    value);
		if (row->argument && !value && ++i == argc)
			return fail(r, "--%s needs a value: %s", row->name, row->allowed);
		if (row->argument && !value)
			value = argv[i];
		if (!apply(r, row, row->argument ? value : ""))
			return false;
		if (r->o->help)
			return true;
	}
	return true;
}

/* ------------------------------------------------------------------ all of it */

static bool make_path_sense(struct reading *r, unsigned i)
{
	static const char *const name[] = {"left to right", "right to left"};
	struct link_config *cfg = &r->o->path[i];
	const bool queue = cfg->queue_packets || cfg->queue_bytes;
	const bool mark = cfg->mark_packets || cfg->mark_bytes;

	if (queue && !cfg->rate)
		return fail(r, "%s: --queue without --rate: only a bottleneck has a queue",
			    name[i]);
	if (mark && !cfg->rate)
		return fail(r, "%s: --mark without --rate: only a bottleneck has a queue", name[i]);
	if (cfg->reorder_ns && !cfg->reorder_ppm)
		return fail(r, "%s: --reorder-by without --reorder PERCENT", name[i]);
	if (cfg->repair && !cfg->corrupt_ppm)
		return fail(r, "%s: --repair without --corrupt PERCENT", name[i]);
	if (cfg->mtu_reply && !cfg->mtu)
		return fail(r, "%s: --mtu-reply without --mtu BYTES", name[i]);
	if (cfg->corrupt_ppm && r->segment[i] == SEGMENT_OFF)
		return fail(r,
			    "%s: --corrupt with --segment off: a super segment has no checksum "
			    "that could tell",
			    name[i]);
	cfg->segment =
		r->segment[i] == SEGMENT_ON || (r->segment[i] == SEGMENT_AUTO &&
						(queue || mark || link_config_needs_segments(cfg)));
	if (cfg->rate && !queue)
		cfg->queue_packets = QUEUE_DEFAULT;
	if (cfg->reorder_ppm && !cfg->reorder_ns)
		cfg->reorder_ns = REORDER_BY_DEFAULT;
	return true;
}

static bool make_sense(struct reading *r)
{
	const struct link_side_options *side = r->o->side;

	for (unsigned i = 0; i < 2; i++)
		if (!side[i].given)
			return fail(r,
				    "--%s is missing: say with --left NETNS and --right NETNS "
				    "what is to be joined; see tunhttpd link --help",
				    i == 0 ? "left" : "right");
	if (strcmp(side[0].netns, side[1].netns) == 0 &&
	    strcmp(side[0].device, side[1].device) == 0)
		return fail(r, "--left and --right are both the device %s of one namespace",
			    side[0].device);
	return make_path_sense(r, 0) && make_path_sense(r, 1);
}

int link_options_parse(struct link_options *o, int argc, char *const argv[],
		       char error[LINK_ERROR_SIZE])
{
	struct reading r = {.o = o, .error = error, .directions = LEFT_TO_RIGHT | RIGHT_TO_LEFT};

	*o = (struct link_options){.device_mtu = 1500, .offload = true};
	snprintf(o->side[0].device, sizeof o->side[0].device, "tunlink0");
	snprintf(o->side[1].device, sizeof o->side[1].device, "tunlink1");
	error[0] = '\0';
	if (!read_arguments(&r, argc, argv))
		return EXIT_USAGE;
	if (o->help)
		return 0;
	return make_sense(&r) ? 0 : EXIT_USAGE;
}

/* ------------------------------------------------------------------ as text */

void link_options_print_help(FILE *out)
{
	fputs("usage: tunhttpd link --left SIDE --right SIDE [OPTION]...\n"
	      "\n"
	      "Joins two network namespaces by a link that delays, limits, loses and damages "
	      "packets as it is told, and the\nsame way again for the same seed. It makes a TUN "
	      "device at each end and ends with Ctrl-C, printing its counters;\nkill -USR1 prints "
	      "them at any time.\n"
	      "\n"
	      "A SIDE is NETNS[:DEV[:ADDR/LEN,...]]: a network namespace by name or path, or "
	      "nothing "
	      "for the current one; the\nTUN device to be made in it (tunlink0 and tunlink1); the "
	      "IPv4 and IPv6 addresses that this gets.\n\n",
	      out);
	for (size_t i = 0; i < ROWS; i++) {
		char flag[64];
		snprintf(flag, sizeof flag, "--%s%s%s", table[i].name, table[i].argument ? " " : "",
			 table[i].argument ? table[i].argument : "");
		fprintf(out, "  %-24s ", flag);
		for (const char *p = table[i].help; *p; p++)
			*p == '\n' ? fprintf(out, "\n%27s", "") : fputc(*p, out);
		fputc('\n', out);
	}
	fputs("\nExample: 20 ms and 100 Mbit/s each way, and one of a hundred packets lost on the "
	      "way to the right:\n"
	      "  tunhttpd link --left a::10.9.0.1/24 --right b::10.9.0.2/24 --delay 10ms --rate "
	      "100mbit --left-to-right --loss 1%\n"
	      "\nExit status: 0 when stopped, 1 when a device failed, 2 for a wrong command line, "
	      "78 when there is no such\nnamespace.\n",
	      out);
}

static void item(FILE *out, unsigned *n, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void item(FILE *out, unsigned *n, const char *format, ...)
{
	va_list args;

	if ((*n)++ > 0)
		fputs(", ", out);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
}

static double percent(uint32_t ppm)
{
	return ppm / (LINK_PPM / 100.0);
}

void link_config_print(const struct link_config *cfg, FILE *out)
{
	unsigned n = 0;

	if (cfg->delay_ns)
		item(out, &n, "delay %g ms", (double)cfg->delay_ns / 1e6);
	if (cfg->jitter_ns)
		item(out, &n, "jitter %g ms", (double)cfg->jitter_ns / 1e6);
	if (cfg->rate)
		item(out, &n, "rate %g Mbit/s", (double)cfg->rate / 1e6);
	if (cfg->queue_packets)
		item(out, &n, "queue %llu packets", (unsigned long long)cfg->queue_packets);
	if (cfg->queue_bytes)
		item(out, &n, "queue %llu bytes", (unsigned long long)cfg->queue_bytes);
	if (cfg->mark_packets)
		item(out, &n, "marks above %llu packets", (unsigned long long)cfg->mark_packets);
	if (cfg->mark_bytes)
		item(out, &n, "marks above %llu bytes", (unsigned long long)cfg->mark_bytes);
	if (cfg->loss_ppm)
		item(out, &n, "loss %g%%", percent(cfg->loss_ppm));
	if (cfg->burst_enter_ppm)
		item(out, &n, "burst %g%%:%g%%:%g%%", percent(cfg->burst_enter_ppm),
		     percent(cfg->burst_leave_ppm), percent(cfg->burst_loss_ppm));
	if (cfg->reorder_ppm)
		item(out, &n, "reorder %g%% by %g ms", percent(cfg->reorder_ppm),
		     (double)cfg->reorder_ns / 1e6);
	if (cfg->duplicate_ppm)
		item(out, &n, "duplicate %g%%", percent(cfg->duplicate_ppm));
	if (cfg->corrupt_ppm)
		item(out, &n, "corrupt %g%%%s", percent(cfg->corrupt_ppm),
		     cfg->repair ? " with repaired checksum" : "");
	if (cfg->mtu)
		item(out, &n, "MTU %u%s", cfg->mtu, cfg->mtu_reply ? " with reply" : "");
	if (cfg->segment)
		item(out, &n, "super segments cut");
	if (n == 0)
		fputs("nothing", out);
}
