/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/rows/unit_addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V4_AT	  12 /* where an IPv4 address stands in one that is mapped into IPv6 */
#define ADDR_BITS 128

static const unsigned char mapped[V4_AT] = { [10] = 0xff, [11] = 0xff };

static bool is_v4(const struct net_addr *addr)
{
	return memcmp(addr->bytes, mapped, V4_AT) == 0;
}

size_t addr_format(const struct net_addr *addr, char *buf, size_t size)
{
	bool v4 = is_v4(addr);

	if (!inet_ntop(v4 ? AF_INET : AF_INET6, addr->bytes + (v4 ? V4_AT : 0), buf,
		       (socklen_t)size))
		return 0;
	return strlen(buf);
}

/* An address alone; IPv4 comes out mapped. */
static bool parse_one(const char *s, struct net_addr *out)
{
	if (inet_pton(AF_INET6, s, out->bytes) == 1)
		return true;
	memcpy(out->bytes, mapped, V4_AT);
	return inet_pton(AF_INET, s, out->bytes + V4_AT) == 1;
}

/* "/24" as the bits of the whole 128 that count: -1 if it is no such thing. */
static int parse_prefix(const char *s, bool dotted)
{
	int above = dotted ? V4_AT * 8 : 0, bits = 0;

	if (!*s || strlen(s) > 3)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		bits = bits * 10 + (*s - '0');
	}
	return bits + above <= ADDR_BITS ? bits + above : -1;
}

static void clear_beyond(struct net_addr *addr, int bits)
{
	for (int i = 0; i < 16; i++) {
		int keep = bits - i * 8;

		if (keep < 8)
			addr->bytes[i] &= keep > 0 ? (unsigned char)(0xff << (8 - keep)) : 0;
	}
}

/* What @s says; *@bits are those that count. */
static bool parse(const char *s, size_t len, struct net_addr *addr, int *bits)
{
	char text[ADDR_TEXT], *slash;

	if (len >= sizeof(text) || memchr(s, '\0', len))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	slash = strchr(text, '/');
	*bits = ADDR_BITS;
	if (slash)
		*slash = '\0';
	if (!parse_one(text, addr))
		return false;
	if (slash)
		*bits = parse_prefix(slash + 1, !strchr(text, ':'));
	return *bits >= 0;
}

bool addr_canonical(const char *s, size_t len, char *buf)
{
	struct net_addr addr;
	size_t n;
	int bits;

	if (!parse(s, len, &addr, &bits))
		return false;
	if (bits == ADDR_BITS)
		return addr_format(&addr, buf, ADDR_TEXT);
	clear_beyond(&addr, bits);
	n = addr_format(&addr, buf, ADDR_TEXT);
	snprintf(buf + n, ADDR_TEXT - n, "/%d", bits - (strchr(buf, ':') ? 0 : V4_AT * 8));
	return true;
}

bool addr_in_network(const char *s, size_t len, const char *net, size_t net_len)
{
	struct net_addr addr, network;
	int all, bits;

	if (!parse(s, len, &addr, &all) || !parse(net, net_len, &network, &bits))
		return false;
	clear_beyond(&addr, bits);
	return memcmp(&addr, &network, sizeof(addr)) == 0;
}
