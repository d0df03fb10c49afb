/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How long at least one of several bios was in a state: stretch by stretch, each of which ends with
 * its first bio; one that begins inside it and lasts longer is the next stretch.
 */
#ifndef IOSONDE_LAYERS_STRETCH_BPF_H
#define IOSONDE_LAYERS_STRETCH_BPF_H

#include "bpf/core/core.bpf.h"

#define BIO_ANY	   0 /* queued or at the device */
#define BIO_DEVICE 1

struct bio_stamps {
	u64 queued_ns; /* 0: never used */
	u64 issued_ns; /* 0: not at the device yet */
	u64 done_ns;   /* 0: in flight */
};

struct bio_stretch {
	u64 from_ns, to_ns;   /* where to look */
	u64 start_ns, end_ns; /* what was found; end_ns 0: nothing */
};

static __always_inline void stretch_begin(struct bio_stretch *s)
{
	s->start_ns = s->to_ns;
	s->end_ns = 0;
}

/* @bio becomes the stretch if it is the first in state @what. Other CPUs write to @bio: each stamp
 * is read once. */
static __always_inline void stretch_take(struct bio_stretch *s,
					 const volatile struct bio_stamps *bio, u32 what)
{
	u64 start = what == BIO_DEVICE ? bio->issued_ns : bio->queued_ns;
	u64 end = bio->done_ns;

	if (!start)
		return;
	if (!end || end > s->to_ns)
		end = s->to_ns;
	if (start < s->from_ns)
		start = s->from_ns;
	if (end > start && start < s->start_ns) {
		s->start_ns = start;
		s->end_ns = end;
	}
}

/* How long it is. Others will lie behind it. */
static __always_inline u64 stretch_end(struct bio_stretch *s)
{
	s->from_ns = s->end_ns;
	return s->end_ns - s->start_ns;
}

#endif
