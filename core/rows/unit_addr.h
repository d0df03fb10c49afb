/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Addresses of the network: U_ADDR. */
#ifndef IOSONDE_UNIT_ADDR_H
#define IOSONDE_UNIT_ADDR_H

#include "core/rows/unit.h"

#define ADDR_TEXT 64 /* any address and "/128" */

/* @addr as people write it, an IPv4 one without what maps it into IPv6. Returns its length. */
size_t addr_format(const struct net_addr *addr, char *buf, size_t size);

/*
 * An address, or with "/BITS" a network, as typed: to its one spelling, bits beyond the prefix
 * cleared. False if it is none; @buf (ADDR_TEXT) is untouched then.
 */
bool addr_canonical(const char *s, size_t len, char *buf);

/* Is the address @s, as addr_format() wrote it, in the network @net, as addr_canonical() did? */
bool addr_in_network(const char *s, size_t len, const char *net, size_t net_len);

#endif
