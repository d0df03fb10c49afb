/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The compiled BPF objects, which the build packs (gzip) and embeds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <zlib.h>

#include "core/kernel/ladder.h"

#define GZIP_FORMAT (16 + MAX_WBITS) /* zlib's way to say it */

/* The length of what is packed: the last four bytes, little endian (RFC 1952). */
static size_t unpacked_size(const unsigned char *end)
{
	return (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 |
	       (size_t)end[-1] << 24;
}

/* The caller's to free; NULL with errno set. */
static unsigned char *unpack(const unsigned char *data, const unsigned char *end, size_t *size)
{
	z_stream z = { .next_in = (unsigned char *)data, .avail_in = (unsigned int)(end - data) };
	unsigned char *out;
	int done;

	*size = unpacked_size(end);
	out = malloc(*size);
	if (!out || inflateInit2(&z, GZIP_FORMAT) != Z_OK) {
		free(out);
		errno = ENOMEM;
		return NULL;
	}
	z.next_out = out;
	z.avail_out = (unsigned int)*size;
	done = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (done == Z_STREAM_END && !z.avail_out)
		return out;
	free(out);
	errno = done == Z_MEM_ERROR ? ENOMEM : EBADMSG;
	return NULL;
}

void *image_unpack(const struct bpf_image *image, bool rdonly_cast, size_t *size)
{
	if (!rdonly_cast && image->plain)
		return unpack(image->plain, image->plain_end, size);
	return unpack(image->data, image->end, size);
}

struct bpf_object *image_open(const char *name, const void *elf, size_t size, const char *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, open, .object_name = name, .btf_custom_path = btf);

	hook_models_begin();
	return bpf_object__open_mem(elf, size, &open);
}
