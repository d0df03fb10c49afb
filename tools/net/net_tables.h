/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Columns and options that the commands about TCP have in common. */
#ifndef IOSONDE_NET_TABLES_H
#define IOSONDE_NET_TABLES_H

#include "bpf/net/net.h"
#include "core/tool.h"

/* clang-format off */
/* @owner is a struct sock_owner in the row. */
#define COLUMNS_OWNER(type, owner, how)                                                            \
	{ "pid", FIELD(type, owner.pid), U_ID, .width = 7, .flags = COL_BLANK,                     \
	  .help = "process: " how },                                                               \
	{ "tid", FIELD(type, owner.tid), U_ID, .width = 7, .flags = COL_HIDDEN | COL_BLANK,        \
	  .help = "its thread that did" },                                                         \
	{ "comm", FIELD(type, owner.comm), U_TEXT, .width = 12, .flags = COL_BLANK,                \
	  .help = "command" },                                                                     \
	{ "user", FIELD(type, owner.uid), U_USER, .flags = COL_HIDDEN, .help = "user" }

#define COLUMN_IP(type, ends)                                                                      \
	{ "ip", FIELD(type, ends.ip), U_ID, .width = 2, .keep = 1,                                 \
	  .help = "4 or 6: what is spoken; sockets of IPv6 speak IPv4 to mapped addresses" }

#define OPTIONS_TCP(type)                                                                          \
	{ "ipv4", '4', FIELD(type, choice.only_v4), .kind = OPT_FLAG, .help = "only IPv4" },       \
	{ "ipv6", '6', FIELD(type, choice.only_v6), .kind = OPT_FLAG, .help = "only IPv6" },       \
	{ "time", 0, .kind = OPT_SAME, .arg = "wall" },                                            \
	{ "timestamp", 't', .kind = OPT_RENAMED,                                                   \
	  .help = "the time is always shown, -T makes it the time of day" }
/* clang-format on */

/* Names of enum tcp_state. */
extern const char *const tcp_state_names[];

#endif
