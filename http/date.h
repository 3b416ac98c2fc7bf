/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date.h — HTTP dates (RFC 9110 5.6.7), by arithmetic of our own.
 *
 * strftime and strptime follow the process's locale and gmtime has limits of its own; the proleptic
 * Gregorian calendar is twenty lines.
 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/str.h"

#define HTTP_DATE_SIZE 30 /* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL */

/* Writes seconds since 1970 (UTC) as IMF-fixdate. False, and an empty string, outside the years
 * 0 to 9999, which the format cannot say. */
bool http_date_format(int64_t seconds, char out[HTTP_DATE_SIZE]);

/* The same as "1994-11-06T08:49:37Z" (RFC 3339). */
bool http_date_iso(int64_t seconds, char out[HTTP_DATE_SIZE]);

/* Reads the three forms that a recipient must accept: IMF-fixdate, rfc850-date and asctime-date.
 * `now` settles the century of an rfc850-date. The name of the day is read but not compared with
 * the date. */
bool http_date_parse(struct http_str text, int64_t now, int64_t *seconds);

#endif
