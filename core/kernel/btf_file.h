/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* --btf FILE: a copy of the file's types that was checked and that nobody can change any more. */
#ifndef IOSONDE_BTF_FILE_H
#define IOSONDE_BTF_FILE_H

/*
 * A path to give to libbpf instead of @file: that of a private copy, or @file itself where it is
 * the kernel's own. NULL after a message. Good as long as the process lives; one at a time.
 */
const char *btf_file_take(const char *file);

#endif
