/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The options that every command has, and that mean the same in each. */
#ifndef IOSONDE_COMMON_H
#define IOSONDE_COMMON_H

#include "core/kernel/pattern.h"
#include "core/options/option.h"
#include "core/tool.h"

#define MAX_IDS	     64
#define MAX_PATTERNS 32

struct id_list {
	uint32_t n;
	uint32_t id[MAX_IDS];
};

struct common_opts {
	/* targets */
	struct id_list pids, tids;
	const char *user;
	uint32_t n_comms;
	const char *comms[MAX_COMM_GLOBS]; /* globs of which none needs more than a name has */
	const char *cgroup;
	const char *mntns;
	bool self;
	bool children; /* of pids, too */
	/* run */
	uint64_t duration_ns; /* 0: until interrupted */
	uint64_t interval_ns;
	uint64_t count;	    /* intervals; 0: no limit */
	uint64_t linger_ns; /* go on for so long after the command's end */
	/* what to hook: commands that hook functions */
	size_t n_patterns;
	struct pattern patterns[MAX_PATTERNS];
	/* output */
	bool wall;
	uint32_t format; /* enum format */
	const char *file;
	const char *columns, *where, *by, *sort;
	const char *tops;   /* with several: the argument as it is */
	uint64_t top;	    /* of a command with one table */
	uint64_t by_memory; /* what the groups of --by may take */
	bool kstack, ustack;
	bool folded, tree;		/* how stacks are shown */
	bool annotations;		/* the kernel's frames are marked */
	const char *root;		/* what runs under this function */
	const char *svg;		/* a picture goes to this file */
	const char *speedscope, *pprof; /* and stacks for these programs to these */
	const char *diff;		/* what the picture is compared with */
	/* engine */
	uint64_t buffer; /* 0: see common_buffer() */
	const char *btf;
	bool verbose, stats, ebpf, help, version;
};

#define DEFAULT_BUFFER	      "4M"
#define DEFAULT_BUFFER_COUNTS "1M"
#define DEFAULT_BUFFER_COPIES "16M"
#define MAX_OPTION_SETS	      13

/*
 * The ring's size: as asked for, or what fits @tool: one that counts only sends names, unless
 * @copies of stacks come.
 */
uint64_t common_buffer(const struct tool *tool, const struct common_opts *opts, bool copies);

/*
 * Tables for options_parse(), as many as returned; @sets has room for MAX_OPTION_SETS. What fits
 * @tool: interval and count are positional only where rows come by the interval.
 */
size_t common_option_sets(const struct tool *tool, struct common_opts *opts, void *cfg,
			  struct option_set *sets);

/* What a table can't say: combinations that make no sense. False with a message in @err. */
bool common_check(const struct tool *tool, const struct common_opts *opts, bool command, char *err,
		  size_t err_size);

/* Frees what the options hold. */
void common_free(struct common_opts *opts);

#endif
