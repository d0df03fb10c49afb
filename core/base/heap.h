/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loading programs takes 20 MiB for a moment, mostly for the kernel's types, which libbpf copies.
 * In pages of 4 KiB that is a page fault each, 4,700 of them: some ms, but 80 on machines where one
 * takes 20 us (virtual ones whose page tables their host keeps).
 */
#ifndef IOSONDE_HEAP_H
#define IOSONDE_HEAP_H

/* From now on malloc() takes its memory, also in large pieces, from huge pages, if there are any.
 */
void heap_expect_much(void);

/* What is free goes back to the kernel, and malloc() does as it did before. */
void heap_give_back(void);

#endif
