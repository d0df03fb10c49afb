/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What dcstat and dcsnoop, which take the same programs, say to the engine alike. */
#ifndef IOSONDE_DENTRY_TABLES_H
#define IOSONDE_DENTRY_TABLES_H

#include "core/tool.h"

/* What both commands' programs stand at, for their probes. */
#define DENTRY_PROBES                                                                              \
	{ "names on the way along a path",                                                         \
	  { { { "dentry_fast(nameidata)" } }, { { "dentry_fast_old(nameidata,*,*)" } } } },        \
		{ "names that are brought",                                                        \
		  { { { "dentry_parallel(dentry,qstr)", "dentry_parallel_in" } },                  \
		    { { "dentry_parallel_wq(dentry,qstr,*)", "dentry_parallel_in" } } } },         \
		{ "names in locked directories",                                                   \
		  { { { "dentry_looked(dentry,qstr)", "dentry_alloc(dentry,qstr)",                 \
			"dentry_invalid" } } } },                                                  \
		{ "opens", { { { "dentry_open_in", "dentry_open_done" } } } },                     \
	{                                                                                          \
		"ends of threads",                                                                 \
		{                                                                                  \
			{ { "dentry_thread_done" } },                                              \
			{                                                                          \
				{                                                                  \
					"dentry_thread_done_tp"                                    \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
	}

#endif
