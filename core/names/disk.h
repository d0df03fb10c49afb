/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Block devices by number and by name, as /sys has them. Answers are cached for a second. */
#ifndef IOSONDE_NAMES_DISK_H
#define IOSONDE_NAMES_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's own encoding of a device number, the one in struct super_block and gendisk. */
#define DISK_DEV(major, minor) ((uint32_t)(major) << 20 | (minor))

/* A power of two. Two devices that share a place take turns in it: slower, never wrong. */
#define DISK_SLOTS 256
#define DISK_NAME  40 /* the kernel's have 32 at most */

/* Answers: they depend on nothing but the number, and the time. All zeroes: none yet. */
struct disk_names {
	struct {
		char name[DISK_NAME]; /* empty: free */
		uint32_t dev;
		int64_t asked_s;
	} slot[DISK_SLOTS];
};

/*
 * The name of block device @dev: "vda", "dm-0", or "254:0" where it has none any more; never NULL,
 * never fails. One that has gone keeps the name by which it was last known. Good until the next
 * call. Not for threads.
 */
const char *disk_name(struct disk_names *names, uint32_t dev);

/* What disk_number() found. */
enum disk_found { DISK_YES, DISK_NO, DISK_PARTITION };

/*
 * The number of the disk called @name: "vda", "/dev/vda", a link such as /dev/mapper/slow, or
 * "254:0". For a partition *@dev is the disk that it is a part of.
 */
enum disk_found disk_number(const char *name, uint32_t *dev);

/*
 * Disks of this machine, for messages: "vda", "sda or sdb"; three at most, those with hardware
 * behind them first. NULL: it has none now. Good until the next call. Not for threads.
 */
const char *disk_examples(void);

#endif
