/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_ACCEPT_H
#define IOSONDE_ACCEPT_H

/* A command that follows accept() begins its list of system calls with these. */
#define ACCEPT_CALLS "accept", "accept4", "?socketcall"

enum accept_call {
	CALL_ACCEPT = 1,
	CALL_ACCEPT4,
	CALL_SOCKETCALL, /* both, of 32-bit programs */
	CALL_AFTER_ACCEPT,
};

#endif
