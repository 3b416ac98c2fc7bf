/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP dates: see date.h. A year is taken to begin in March, so that the leap day is its last. */
#include "http/date.h"

#define SECONDS_PER_DAY 86400
#define DAYS_PER_ERA 146097 /* 400 years */

static const char day_names[7][10] = {
	"Thursday", "Friday",  "Saturday", "Sunday",
	"Monday",   "Tuesday", "Wednesday"}; /* 1970-01-01 was a Thursday */
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
	int64_t year;
	int month, day; /* 1..12, 1..31 */
	int hour, minute, second;
};

/* Days from 1970-01-01 to the given date. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * DAYS_PER_ERA + day_of_era - 719468;
}

static void date_of(int64_t days, struct civil *out)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
	int64_t day_of_era = days - era * DAYS_PER_ERA;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted_month = (5 * day_of_year + 2) / 153;

	out->day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
	out->month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
	out->year = year_of_era + era * 400 + (out->month <= 2 ? 1 : 0);
}

static char *put_number(char *p, int64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		p[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return p + digits;
}

static char *put_text(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

/* False outside the years 0 to 9999. *weekday counts from Thursday. */
static bool split(int64_t seconds, struct civil *t, int *weekday)
{
	int64_t days = seconds / SECONDS_PER_DAY;
	int64_t rest = seconds % SECONDS_PER_DAY;

	if (rest < 0) {
		rest += SECONDS_PER_DAY;
		days--;
	}
	if (days < -719528 || days > 2932896) /* 0000-01-01 and 9999-12-31 */
		return false;
	date_of(days, t);
	t->hour = (int)(rest / 3600);
	t->minute = (int)(rest / 60 % 60);
	t->second = (int)(rest % 60);
	*weekday = (int)(((days % 7) + 7) % 7);
	return true;
}

static char *put_clock(char *p, const struct civil *t)
{
	p = put_number(p, t->hour, 2);
	p = put_text(p, ":", 1);
	p = put_number(p, t->minute, 2);
	p = put_text(p, ":", 1);
	return put_number(p, t->second, 2);
}

bool http_date_format(int64_t seconds, char out[HTTP_DATE_SIZE])
{
	struct civil t;
	int weekday;
	char *p = out;

	out[0] = '\0';
	if (!split(seconds, &t, &weekday))
		return false;
	p = put_text(p, day_names[weekday], 3);
	p = put_text(p, ", ", 2);
	p = put_number(p, t.day, 2);
	p = put_text(p, " ", 1);
	p = put_text(p, month_names[t.month - 1], 3);
	p = put_text(p, " ", 1);
	p = put_number(p, t.year, 4);
	p = put_text(p, " ", 1);
	p = put_clock(p, &t);
	put_text(p, " GMT", sizeof(" GMT"));
	return true;
}

bool http_date_iso(int64_t seconds, char out[HTTP_DATE_SIZE])
{
	struct civil t;
	int weekday;
	char *p = out;

	out[0] = '\0';
	if (!split(seconds, &t, &weekday))
		return false;
	p = put_number(p, t.year, 4);
	p = put_text(p, "-", 1);
	p = put_number(p, t.month, 2);
	p = put_text(p, "-", 1);
	p = put_number(p, t.day, 2);
	p = put_text(p, "T", 1);
	p = put_clock(p, &t);
	put_text(p, "Z", sizeof("Z"));
	return true;
}

/* ------------------------------------------------------------------ reading */

static bool take_text(struct http_str *s, const char *text)
{
	size_t len = strlen(text);

	if (s->len < len || memcmp(s->at, text, len) != 0)
		return false;
	s->at += len;
	s->len -= len;
	return true;
}

static bool take_number(struct http_str *s, size_t digits, int *value)
{
	int v = 0;

	if (s->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (!http_is_digit(s->at[i]))
			return false;
		v = v * 10 + (s->at[i] - '0');
	}
	s->at += digits;
	s->len -= digits;
	*value = v;
	return true;
}

static bool take_month(struct http_str *s, int *month)
{
	for (int i = 0; i < 12; i++) {
		if (take_text(s, month_names[i])) {
			*month = i + 1;
			return true;
		}
	}
	return false;
}

/* time-of-day = hour ":" minute ":" second */
static bool take_clock(struct http_str *s, struct civil *t)
{
	return take_number(s, 2, &t->hour) && take_text(s, ":") && take_number(s, 2, &t->minute) &&
	       take_text(s, ":") && take_number(s, 2, &t->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", after "Sun, " */
static bool take_imf_fixdate(struct http_str *s, struct civil *t)
{
	int year;

	if (!(take_number(s, 2, &t->day) && take_text(s, " ") && take_month(s, &t->month) &&
	      take_text(s, " ") && take_number(s, 4, &year) && take_text(s, " ") &&
	      take_clock(s, t) && take_text(s, " GMT")))
		return false;
	t->year = year;
	return true;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT", after "Sunday, ". RFC 9110 5.6.7: a year that appears to be
 * more than 50 years in the future is the most recent one in the past with the same last two
 * digits. */
static bool take_rfc850(struct http_str *s, struct civil *t, int64_t now)
{
	struct civil today;
	int year;

	if (!(take_number(s, 2, &t->day) && take_text(s, "-") && take_month(s, &t->month) &&
	      take_text(s, "-") && take_number(s, 2, &year) && take_text(s, " ") &&
	      take_clock(s, t) && take_text(s, " GMT")))
		return false;
	date_of(now / SECONDS_PER_DAY, &today);
	t->year = today.year - today.year % 100 + year;
	if (t->year > today.year + 50)
		t->year -= 100;
	return true;
}

/* "Sun Nov  6 08:49:37 1994", after "Sun " */
static bool take_asctime(struct http_str *s, struct civil *t)
{
	int year;

	if (!(take_month(s, &t->month) && take_text(s, " ")))
		return false;
	if (!(take_text(s, " ") ? take_number(s, 1, &t->day) : take_number(s, 2, &t->day)))
		return false;
	if (!(take_text(s, " ") && take_clock(s, t) && take_text(s, " ") &&
	      take_number(s, 4, &year)))
		return false;
	t->year = year;
	return true;
}

static bool civil_valid(const struct civil *t)
{
	static const int month_days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = t->year % 4 == 0 && (t->year % 100 != 0 || t->year % 400 == 0);

	if (t->day < 1 || t->day > month_days[t->month - 1] ||
	    (t->month == 2 && t->day == 29 && !leap))
		return false;
	return t->hour < 24 && t->minute < 60 && t->second <= 60; /* 60: a leap second */
}

bool http_date_parse(struct http_str text, int64_t now, int64_t *seconds)
{
	struct civil t = {0};
	bool read = false;

	text = http_str_trim(text);
	for (int i = 0; i < 7 && !read; i++) {
		struct http_str s = text;
		char abbreviated[4] = {day_names[i][0], day_names[i][1], day_names[i][2], '\0'};

		if (take_text(&s, day_names[i]) && take_text(&s, ", ")) {
			read = take_rfc850(&s, &t, now);
		} else {
			s = text;
			if (!take_text(&s, abbreviated))
				continue;
			if (take_text(&s, ", "))
				read = take_imf_fixdate(&s, &t);
			else if (take_text(&s, " "))
				read = take_asctime(&s, &t);
		}
		if (s.len > 0)
			read = false;
	}
	if (!read || !civil_valid(&t))
		return false;
	*seconds = days_of(t.year, t.month, t.day) * SECONDS_PER_DAY + t.hour * 3600 +
		   t.minute * 60 + t.second;
	return true;
}
