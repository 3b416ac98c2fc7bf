/* SPDX-License-Identifier: Apache-2.0 */
/* link_values.h — times, rates, sizes and shares as text. Each parser returns false for what is not allowed. */
#ifndef LAB_LINK_VALUES_H
#define LAB_LINK_VALUES_H

#include <stdbool.h>
#include <stdint.h>

/* "20ms", "1.5s", "300us", "50ns": up to an hour, as nanoseconds. The unit has to be there. */
bool link_value_time(const char *text, uint64_t *out_ns);
/* "100mbit", "1.5gbit", "64kbit", "9600bit": 1 kbit/s to 1 Tbit/s, as bits a second; decimal units. */
bool link_value_rate(const char *text, uint64_t *out);
/* "1", "0.25%": 0 to 100 with up to four decimals, as parts per million. */
bool link_value_share(const char *text, uint32_t *out_ppm);
/* "P:R" or "P:R:LOSS", three shares. Neither P nor R may be 0; LOSS is 100% when it is not there. */
bool link_value_burst(const char *text, uint32_t *enter, uint32_t *leave, uint32_t *loss);
/* "100" is packets; "64kb", "1.5mb", "3000b" is bytes, decimal units. One of the two becomes non-zero. */
bool link_value_queue(const char *text, uint64_t *packets, uint64_t *bytes);
/* Any 64-bit number, decimal or 0x and hexadecimal. */
bool link_value_seed(const char *text, uint64_t *out);

#endif
