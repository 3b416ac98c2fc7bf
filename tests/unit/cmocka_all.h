/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h does not include what it needs; every test gets it all, in the right order. */
#ifndef TESTS_UNIT_CMOCKA_ALL_H
#define TESTS_UNIT_CMOCKA_ALL_H
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#endif
