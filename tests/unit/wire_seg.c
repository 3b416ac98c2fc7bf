/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_seg.c — the lower half of wire.h: packets (build, decode, checksums), the notation (parse,
 * print), and what every packet of the stack is checked for. wire.c includes it: the two are one
 * object file.
 */
#include "tests/unit/wire_seg.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ packets */

/* RFC 1071, the plain way. */
uint16_t wire_checksum(const uint8_t *data, size_t len, uint32_t start)
{
	uint64_t sum = start;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint32_t wire_pseudo_sum(const uint8_t *packet, size_t header_len, size_t len)
{
	uint32_t sum = packet[9] + (uint32_t)(len - header_len);

	for (size_t i = 12; i < 20; i += 2)
		sum += wire_get16(packet + i);
	return sum;
}

void wire_fix_checksums(uint8_t *packet, size_t len)
{
	const size_t h = (packet[0] & 0xfu) * 4;

	if (len < 20 || h < 20 || h > len)
		return;
	wire_put16(packet + 10, 0);
	wire_put16(packet + 10, wire_checksum(packet, h, 0));
	if (packet[9] == 6 && len >= h + 18) {
		wire_put16(packet + h + 16, 0);
		wire_put16(packet + h + 16,
			   wire_checksum(packet + h, len - h, wire_pseudo_sum(packet, h, len)));
	} else if (packet[9] == 1 && len >= h + 4) {
		wire_put16(packet + h + 2, 0);
		wire_put16(packet + h + 2, wire_checksum(packet + h, len - h, 0));
	}
}

uint8_t wire_pattern(uint32_t position)
{
	return (uint8_t)(position * 2654435761u >> 24);
}

size_t wire_build(const struct wire *w, const struct seg *g, uint8_t packet[WIRE_PACKET_MAX])
{
	const size_t tcp_len = 20 + g->opt_len + g->len;
	uint8_t *tcp = packet + 20;

	memset(packet, 0, 40);
	packet[0] = 0x45;
	packet[1] = g->ecn;
	wire_put16(packet + 2, (uint32_t)(20 + tcp_len));
	packet[6] = 0x40;
	packet[8] = 64;
	packet[9] = 6;
	wire_put32(packet + 12, g->src);
	wire_put32(packet + 16, g->dst);
	wire_put16(tcp, g->sport);
	wire_put16(tcp + 2, g->dport);
	wire_put32(tcp + 4, g->seq);
	wire_put32(tcp + 8, g->ack);
	tcp[12] = (uint8_t)((20 + g->opt_len) / 4 << 4 | g->flags >> 8);
	tcp[13] = (uint8_t)g->flags;
	wire_put16(tcp + 14, g->win);
	wire_put16(tcp + 18, g->urg);
	memcpy(tcp + 20, g->opt, g->opt_len);
	const uint32_t first = g->seq + (g->flags & SYN ? 1 : 0);
	for (size_t i = 0; i < g->len; i++)
		tcp[20 + g->opt_len + i] =
			g->payload ? g->payload[0] : wire_stream_byte(w->irs, first + (uint32_t)i);
	wire_fix_checksums(packet, 20 + tcp_len);
	return 20 + tcp_len;
}

static const char *decode_options(struct seg *g)
{
	for (size_t i = 0; i < g->opt_len && g->opt[i] != 0;) {
		if (g->opt[i] == 1) {
			i++;
			continue;
		}
		if (i + 2 > g->opt_len || g->opt[i + 1] < 2 || i + g->opt[i + 1] > g->opt_len)
			return "an option's length is wrong";
		const uint8_t *o = g->opt + i;
		if (o[0] == 2 && o[1] == 4) {
			g->has_mss = true;
			g->mss = (uint16_t)wire_get16(o + 2);
		} else if (o[0] == 3 && o[1] == 3) {
			g->has_wscale = true;
			g->wscale = o[2];
		} else if (o[0] == 4 && o[1] == 2) {
			g->sack_ok = true;
		} else if (o[0] == 5 && o[1] >= 10 && (o[1] - 2) % 8 == 0) {
			g->sack_count = (o[1] - 2u) / 8;
			for (unsigned k = 0; k < g->sack_count; k++) {
				g->sack[k][0] = wire_get32(o + 2 + 8 * k);
				g->sack[k][1] = wire_get32(o + 6 + 8 * k);
			}
		} else if (o[0] == 8 && o[1] == 10) {
			g->has_ts = true;
			g->ts_val = wire_get32(o + 2);
			g->ts_ecr = wire_get32(o + 6);
		} else if (o[0] == 28 && o[1] == 4 && wire_get16(o + 2) != 0) {
			g->user_timeout = (uint16_t)wire_get16(o + 2);
		} else if (o[0] == 34 && (g->flags & SYN) && o[1] <= 18) {
			g->has_fo = true;
			g->fo_len = (uint8_t)(o[1] - 2);
			memcpy(g->fo, o + 2, g->fo_len);
		} else {
			return "an option that the stack has no business to send";
		}
		i += o[1];
	}
	return NULL;
}

const char *wire_decode_ip(const uint8_t *packet, size_t len)
{
	if (len < 20 || packet[0] != 0x45 || wire_get16(packet + 2) != len)
		return "the IP header is wrong: version, header length or total length";
	if (wire_checksum(packet, 20, 0) != 0)
		return "the IP header's checksum is wrong";
	if ((wire_get16(packet + 6) & 0xbfff) != 0 || packet[8] < 32 || packet[1] > 3)
		return "the IP header is wrong: a fragment, a short TTL, or a DSCP";
	return NULL;
}

bool wire_decode(const uint8_t *packet, size_t len, struct seg *g, const char **what)
{
	const uint8_t *tcp = packet + 20;

	*what = wire_decode_ip(packet, len);
	if (*what)
		return false;
	*what = "not TCP, or its header is wrong";
	if (packet[9] != 6 || len < 40)
		return false;
	const size_t header_len = (size_t)(tcp[12] >> 4) * 4;
	if (header_len < 20 || 20 + header_len > len || (tcp[12] & 0xe) != 0)
		return false;
	*what = "the TCP checksum is wrong";
	if (wire_checksum(tcp, len - 20, wire_pseudo_sum(packet, 20, len)) != 0)
		return false;
	memset(g, 0, sizeof *g);
	g->ecn = packet[1] & 3;
	g->src = wire_get32(packet + 12);
	g->dst = wire_get32(packet + 16);
	g->sport = (uint16_t)wire_get16(tcp);
	g->dport = (uint16_t)wire_get16(tcp + 2);
	g->seq = wire_get32(tcp + 4);
	g->ack = wire_get32(tcp + 8);
	g->flags = (uint16_t)(tcp[13] | (tcp[12] & 1) << 8);
	g->win = (uint16_t)wire_get16(tcp + 14);
	g->urg = (uint16_t)wire_get16(tcp + 18);
	g->opt_len = header_len - 20;
	memcpy(g->opt, tcp + 20, g->opt_len);
	g->len = len - 20 - header_len;
	g->payload = tcp + header_len;
	*what = decode_options(g);
	return *what == NULL;
}

/* ------------------------------------------------------------------ the notation */

static const char flag_letters[] = "FSRP.UEWA";
static const char *const ecn_words[] = {"", "[ect1]", "[ect0]", "[ce]"}; /* RFC 3168 5 */

void wire_print_seg(const struct wire *w, const struct seg *g, bool from_peer, char *out,
		    size_t size)
{
	const uint32_t seq = g->seq - (from_peer ? w->irs : w->iss);
	const uint32_t ack = g->ack - (from_peer ? w->iss : w->irs);
	char flags[10] = "-", options[256] = "";
	size_t n = 0;

	for (unsigned bit = 0; bit < 9; bit++)
		if (g->flags >> bit & 1)
			flags[n++] = flag_letters[bit];
	flags[n ? n : 1] = '\0';
	n = 0;
	if (g->has_mss)
		n += (size_t)snprintf(options + n, sizeof options - n, ",mss %u", g->mss);
	if (g->has_wscale)
		n += (size_t)snprintf(options + n, sizeof options - n, ",wscale %u", g->wscale);
	if (g->sack_ok)
		n += (size_t)snprintf(options + n, sizeof options - n, ",sackOK");
	if (g->has_ts)
		n += (size_t)snprintf(options + n, sizeof options - n, ",TS val %u ecr %u",
				      g->ts_val, g->ts_ecr);
	for (unsigned k = 0; k < g->sack_count; k++)
		n += (size_t)snprintf(options + n, sizeof options - n, "%s %u:%u", k ? "" : ",sack",
				      g->sack[k][0] - (from_peer ? w->iss : w->irs),
				      g->sack[k][1] - (from_peer ? w->iss : w->irs));
	for (unsigned i = 0; g->has_fo && i <= g->fo_len; i++)
		n += (size_t)(i ? snprintf(options + n, sizeof options - n, "%02x", g->fo[i - 1])
				: snprintf(options + n, sizeof options - n, ",fo "));
	snprintf(out, size, "%s %u:%u(%zu) ack %u win %u%s%s%s%s%s port %u to %u", flags, seq,
		 seq + (uint32_t)g->len, g->len, g->flags & ACK ? ack : 0, g->win, n ? " <" : "",
		 n ? options + 1 : "", n ? ">" : "", g->ecn ? " " : "", ecn_words[g->ecn],
		 from_peer ? g->sport : g->dport, from_peer ? g->dport : g->sport);
}

#define script_error(w, text) \
	wire_fail(w, __FILE__, __LINE__, "cannot read this line of a script: %s", text)

uint64_t wire_us(const char *seconds)
{
	return (uint64_t)(strtod(seconds, NULL) * 1e6 + 0.5);
}

static uint32_t number(const char **p)
{
	char *end;
	const uint32_t value = (uint32_t)strtoll(*p, &end, 10);

	*p = end;
	return value;
}

static void step_over(const char **p)
{
	while (**p == ' ' || **p == ',')
		++*p;
}

/* If the word comes next, steps over it and what separates it from the one after. */
static bool word(const char **p, const char *text)
{
	const size_t len = strlen(text);

	if (strncmp(*p, text, len) != 0 ||
	    (isalpha((unsigned char)text[0]) && isalpha((unsigned char)(*p)[len])))
		return false;
	*p += len;
	step_over(p);
	return true;
}

static void option(struct seg *g, uint8_t kind, unsigned len, uint32_t a, uint32_t b)
{
	uint8_t *o = g->opt + g->opt_len;

	o[0] = kind;
	g->opt_len += len;
	if (len > 1)
		o[1] = (uint8_t)len;
	if (len == 3)
		o[2] = (uint8_t)a;
	if (len == 4)
		wire_put16(o + 2, a);
	if (len == 10) {
		wire_put32(o + 2, a);
		wire_put32(o + 6, b);
	}
}

/* "sack 1001:2001 3001:4001" */
static void parse_sack(const struct wire *w, const char **p, struct seg *g, bool from_peer)
{
	const uint32_t base = from_peer ? w->iss : w->irs;
	uint8_t *o = g->opt + g->opt_len;

	while (isdigit((unsigned char)**p) || **p == '-') {
		uint32_t *block = g->sack[g->sack_count++];
		block[0] = number(p) + base;
		if (*(*p)++ != ':' || g->sack_count > 4)
			script_error((struct wire *)w, *p);
		block[1] = number(p) + base;
		step_over(p);
		wire_put32(o + 8 * g->sack_count - 6, block[0]);
		wire_put32(o + 8 * g->sack_count - 2, block[1]);
	}
	o[0] = 5;
	o[1] = (uint8_t)(2 + 8 * g->sack_count);
	g->opt_len += o[1];
}

/* "fo", "fo 0123456789abcdef", "fo $" */
static void parse_fastopen(const struct wire *w, const char **p, struct wire_line *l)
{
	struct seg *g = &l->seg;
	unsigned byte;

	g->has_fo = true;
	l->any_fo = word(p, "*");
	if (word(p, "$")) {
		g->fo_len = 8;
		memcpy(g->fo, w->last_fo, 8);
	}
	for (; isxdigit((unsigned char)**p) && sscanf(*p, "%2x", &byte) == 1; *p += 2)
		g->fo[g->fo_len++] = (uint8_t)byte;
	g->opt[g->opt_len] = 34;
	g->opt[g->opt_len + 1] = (uint8_t)(2 + g->fo_len);
	memcpy(g->opt + g->opt_len + 2, g->fo, g->fo_len);
	g->opt_len += 2u + g->fo_len;
}

static void parse_options(const struct wire *w, const char **p, bool from_peer, struct wire_line *l)
{
	struct seg *g = &l->seg;

	l->has_options = true;
	while (**p && **p != '>') {
		if (word(p, "mss")) {
			g->has_mss = true;
			g->mss = (uint16_t)number(p);
			option(g, 2, 4, g->mss, 0);
		} else if (word(p, "wscale")) {
			g->has_wscale = true;
			g->wscale = (uint8_t)number(p);
			option(g, 3, 3, g->wscale, 0);
		} else if (word(p, "sackOK")) {
			g->sack_ok = true;
			option(g, 4, 2, 0, 0);
		} else if (word(p, "sack")) {
			parse_sack(w, p, g, from_peer);
		} else if (word(p, "TS") && word(p, "val")) {
			g->has_ts = true;
			l->any_ts_val = word(p, "*");
			if (!l->any_ts_val)
				g->ts_val = number(p);
			step_over(p);
			if (!word(p, "ecr"))
				script_error((struct wire *)w, *p);
			g->ts_ecr = word(p, "$") ? w->last_ts_val : number(p);
			option(g, 8, 10, g->ts_val, g->ts_ecr);
		} else if (word(p, "fo")) {
			parse_fastopen(w, p, l);
		} else if (word(p, "nop")) {
			option(g, 1, 1, 0, 0);
		} else if (word(p, "eol")) {
			option(g, 0, 1, 0, 0);
		} else {
			script_error((struct wire *)w, *p);
		}
		step_over(p);
	}
	while (g->opt_len % 4)
		g->opt[g->opt_len++] = 1;
	if (**p == '>')
		++*p;
}

static void parse_words(const struct wire *w, const char *p, bool from_peer, struct wire_line *l)
{
	struct seg *g = &l->seg;
	uint16_t *peer_port = from_peer ? &g->sport : &g->dport;
	uint16_t *host_port = from_peer ? &g->dport : &g->sport;

	for (step_over(&p); *p; step_over(&p)) {
		if (word(&p, "ack")) {
			l->has_ack = true;
			g->ack = number(&p) + (from_peer ? w->iss : w->irs);
		} else if (word(&p, "win")) {
			l->has_win = true;
			g->win = (uint16_t)number(&p);
		} else if (word(&p, "urg")) {
			g->urg = (uint16_t)number(&p);
		} else if (word(&p, "port")) {
			*peer_port = (uint16_t)number(&p);
		} else if (word(&p, "to")) {
			*host_port = (uint16_t)number(&p);
		} else if (word(&p, "[ect0]")) {
			g->ecn = 2;
		} else if (word(&p, "[ect1]")) {
			g->ecn = 1;
		} else if (word(&p, "[ce]")) {
			g->ecn = 3;
		} else if (word(&p, "fill")) {
			g->payload = (const uint8_t *)p++; /* a string of the test */
		} else if (word(&p, "<")) {
			parse_options(w, &p, from_peer, l);
		} else {
			script_error((struct wire *)w, p);
		}
	}
}

static void parse_seg(const struct wire *w, const char *p, bool from_peer, struct wire_line *l)
{
	struct seg *g = &l->seg;
	const char *const begin = p;

	g->src = from_peer ? WIRE_PEER : WIRE_HOST;
	g->dst = from_peer ? WIRE_HOST : WIRE_PEER;
	g->sport = from_peer ? w->rport : w->lport;
	g->dport = from_peer ? w->lport : w->rport;
	for (; *p && *p != ' '; p++) {
		const char *flag = strchr(flag_letters, *p);
		if (flag)
			g->flags |= (uint16_t)(1u << (flag - flag_letters));
		else if (*p != '-')
			script_error((struct wire *)w, begin);
	}
	step_over(&p);
	const uint32_t from = number(&p);
	if (*p++ != ':')
		script_error((struct wire *)w, begin);
	const uint32_t to = number(&p);
	if (*p++ != '(')
		script_error((struct wire *)w, begin);
	g->len = number(&p);
	if (*p++ != ')' || to - from != g->len)
		script_error((struct wire *)w, begin);
	g->seq = from + (from_peer ? w->irs : w->iss);
	g->win = 65535;
	parse_words(w, p, from_peer, l);
	if (l->has_ack != !!(g->flags & ACK))
		script_error((struct wire *)w, begin);
}

struct wire_line wire_parse_line(const struct wire *w, const char *text, bool from_peer)
{
	static const char marks[] = "~>*+";
	static const enum wire_when whens[] = {WHEN_ABOUT, WHEN_AFTER, WHEN_ANY, WHEN_PLUS};
	struct wire_line l = {.when = WHEN_EXACT};
	const char *mark = *text ? strchr(marks, *text) : NULL;
	char *end;

	if (mark) {
		l.when = whens[mark - marks];
		text++;
	}
	l.at_us = wire_us(text);
	strtod(text, &end);
	for (text = end; *text == ' ';)
		text++;
	parse_seg(w, text, from_peer, &l);
	return l;
}

struct seg wire_seg(const struct wire *w, const char *text)
{
	struct wire_line l = {.when = WHEN_ANY};

	parse_seg(w, text, true, &l);
	return l.seg;
}

/* ------------------------------------------------------------ what every packet must fulfil */

static bool current(const struct wire *w, uint16_t host_port, uint16_t peer_port)
{
	return host_port == w->lport && peer_port == w->rport;
}

/* A script may go from one connection to another: what was told before belongs to the former. */
static void follow_connection(struct wire *w)
{
	const uint32_t ports = (uint32_t)w->lport << 16 | w->rport;

	if (w->edges_of == ports)
		return;
	w->edges_of = ports;
	w->edge_known = w->peer_edge_known = false;
}

/* RFC 9293 3.8.6: the receiver must not shrink the window; the sender must not overrun it. */
static const char *check_windows(struct wire *w, const struct seg *g)
{
	follow_connection(w);
	if ((g->flags & RST) || w->any_window)
		return NULL;
	if (g->flags & SYN) {
		w->edge_known = g->flags & ACK;
		w->edge = g->ack + g->win;
		w->host_wscale = g->has_wscale ? g->wscale : 0;
		w->host_scaled = g->has_wscale;
		return NULL;
	}
	const unsigned shift = w->host_scaled && w->peer_scaled ? w->host_wscale : 0;
	const uint32_t edge = g->ack + ((uint32_t)g->win << shift);
	if (w->edge_known && (int32_t)(edge - w->edge) < 0)
		return "the window's right edge has moved left";
	w->edge = edge;
	w->edge_known = true;
	/* One byte more is a window probe. */
	if (g->len > 0 && w->peer_edge_known &&
	    (int32_t)(g->seq + (uint32_t)g->len - w->peer_edge) > (g->len == 1 ? 1 : 0))
		return "data beyond the window that the peer has offered";
	return NULL;
}

void wire_note_peer_window(struct wire *w, const struct seg *g)
{
	if (!current(w, g->dport, g->sport))
		return;
	follow_connection(w);
	if (g->flags & RST)
		return;
	if (g->flags & SYN) {
		w->peer_edge_known = false;
		w->peer_scaled = g->has_wscale;
		w->peer_wscale = g->wscale > 14 ? 14 : g->wscale;
	}
	if (!(g->flags & ACK))
		return;
	const unsigned shift =
		w->host_scaled && w->peer_scaled && !(g->flags & SYN) ? w->peer_wscale : 0;
	const uint32_t edge = g->ack + ((uint32_t)g->win << shift);
	if (!w->peer_edge_known || (int32_t)(edge - w->peer_edge) > 0)
		w->peer_edge = edge;
	w->peer_edge_known = true;
}

/* As a link does it: finishes the checksum that was left to it. */
const char *wire_finish_checksum(struct wire_packet *p, const struct packet_out *out)
{
	const size_t at = out->ip_version == 6 ? 40 : 20;

	if (p->bytes[0] >> 4 != out->ip_version)
		return "ip_version is wrong";
	if (!out->needs_csum)
		return NULL;
	if (out->csum_start != at || out->csum_offset != 16)
		return "csum_start or csum_offset is wrong";
	uint32_t sum = at == 40 ? wire_pseudo_sum_v6(p->bytes, 6, p->len - 40)
				: wire_pseudo_sum(p->bytes, 20, p->len);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (wire_get16(p->bytes + at + 16) != sum)
		return "the partial checksum is not the pseudo-header's sum";
	wire_put16(p->bytes + at + 16, wire_checksum(p->bytes + at, p->len - at, 0));
	return NULL;
}

const char *wire_check_packet(struct wire *w, const struct wire_packet *p, const struct seg *g)
{
	if (g->has_ts)
		w->last_ts_val = g->ts_val;
	if (g->has_fo)
		memcpy(w->last_fo, g->fo, sizeof w->last_fo);
	if (g->len > 0 && p->gso_size == 0 && p->len > w->cfg.mtu)
		return "larger than the MTU";
	if (g->user_timeout != 0 && !w->user_timeout)
		return "a user timeout option that nobody has asked for";
	if (!current(w, g->sport, g->dport) || g->src != WIRE_HOST || g->dst != WIRE_PEER)
		return NULL;
	for (size_t i = 0; i < g->len && !w->any_payload; i++)
		if (g->payload[i] != wire_stream_byte(w->iss, g->seq + (uint32_t)i))
			return "the payload is not what the application sent";
	return check_windows(w, g);
}
