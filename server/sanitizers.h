/* SPDX-License-Identifier: Apache-2.0 */
/* sanitizers.h — is this a build with AddressSanitizer? Its leak check traces its own process and reads /proc. */
#ifndef SERVER_SANITIZERS_H
#define SERVER_SANITIZERS_H

#if defined(__SANITIZE_ADDRESS__)
#define BUILT_WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUILT_WITH_ASAN 1
#endif
#endif
#ifndef BUILT_WITH_ASAN
#define BUILT_WITH_ASAN 0
#endif

#endif
