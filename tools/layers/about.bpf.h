/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What calls are about that aren't followed by file. To look at each would cost more than most of
 * them take; so a few are, of each call: of those that failed one now and then, and of all a sample
 * in which a path stands with a chance in proportion to the time that calls on it took.
 */
#ifndef IOSONDE_LAYERS_ABOUT_BPF_H
#define IOSONDE_LAYERS_ABOUT_BPF_H

#include "tools/layers/sums.bpf.h"

/* What the call of the current thread that left @regs was about; @args: cfg.about[] of it. */
static __noinline int read_about(struct layers_about *about, u32 args, struct pt_regs *regs)
{
	const struct path *from = NULL;
	struct syscall_args in;
	struct inode *inode;
	s32 fd = AT_FDCWD;
	long n = 0;

	syscall_args(regs, false, &in);
	if (ABOUT_PATH(args))
		n = bpf_probe_read_user_str(
			about->name, sizeof(about->name),
			(const char *)(ABOUT_PATH(args) == 1 ? in.a[0] : in.a[1]));
	about->name_len = n > 0 ? n - 1 : 0;
	if (n < 0) { /* it can't be read, or was another program's: execve() */
		identify(&about->file, NULL);
		return 0;
	}
	if (ABOUT_FD(args))
		fd = ABOUT_FD(args) == 1 ? in.a[0] : in.a[4];
	if (about->name_len ? about->name[0] != '/' : fd != AT_FDCWD)
		from = path_start(fd, 0);
	inode = from ? BPF_CORE_READ(from, dentry, d_inode) : NULL;
	identify(&about->file, inode);
	if (inode)
		announce_path(address_of(from), about->file.ino, about->file.dev, about->file.gen);
	return 0;
}

/*
 * A call of the current thread failed with @ret: keeps that, and what it was about, for the first,
 * second, fourth ... failure of that call on this CPU.
 */
static __noinline int keep_failure(struct layers_cpu *c, s64 ret, struct pt_regs *regs)
{
	u64 slot = REGS_CALL(regs);
	struct layers_failure *f = &c->failures[slot & (FAILURES - 1)];

	if (slot >= SYSCALL_MAX || in_compat_call())
		return 0;
	if (f->slot != slot)
		f->count = 0;
	if (f->count++ & (f->count - 1))
		return 0;
	f->slot = slot;
	f->ret = ret;
	read_about(&f->about, cfg.about[slot & (SYSCALL_MAX - 1)], regs);
	return 0;
}

/* Is one of the samples to be of a call that took @lat of the @all ns, by 16 bits of chance? */
static __always_inline bool chosen(u64 chance, u64 lat, u64 all)
{
	return (chance & 0xffff) * (all >> 4) < (lat >> 4) << 16;
}

/*
 * A call of the current thread that isn't followed by file took @lat until @now. A place in
 * c->sampled is the call's that has taken the most of those that want it, or nearly: the others
 * take from its time until none is left.
 */
static __noinline int sample_call(struct layers_cpu *c, u64 lat, u64 now, struct pt_regs *regs)
{
	u64 slot = REGS_CALL(regs), first = SAMPLES, chance = now * 0x9e3779b97f4a7c15ULL;
	struct layers_sampled *s = &c->sampled[slot & (SAMPLED - 1)];
	u32 about;

	if (slot >= SYSCALL_MAX)
		return 0;
	about = cfg.about[slot & (SYSCALL_MAX - 1)];
	if (!about || in_compat_call())
		return 0;
	if (s->slot != slot || !s->taken) {
		if (s->ns > lat) {
			s->ns -= lat;
			return 0;
		}
		s->slot = slot;
		s->ns = 0;
	}
	s->ns += lat;
	chance ^= chance >> 29;
	for (u32 i = 0; i < SAMPLES; i++) {
		if (!chosen(chance >> 16 * i, lat, s->ns))
			continue;
		if (first == SAMPLES) {
			first = i;
			read_about(&s->samples[i], about, regs);
			s->taken = 1;
		} else {
			bpf_probe_read_kernel(&s->samples[i], sizeof(s->samples[i]),
					      &s->samples[first & (SAMPLES - 1)]);
		}
	}
	return 0;
}

#endif
