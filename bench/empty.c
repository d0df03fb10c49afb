// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Loads and attaches the empty programs, prints "ready", and stays until its input ends. */
#include <stdio.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "core/tool.h"

BPF_IMAGE(empty);

static int attach_all(struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj)
	{
		if (!bpf_program__attach(prog)) {
			fprintf(stderr, "empty: cannot attach %s: %m\n", bpf_program__name(prog));
			return 1;
		}
	}
	return 0;
}

int main(void)
{
	struct bpf_object *obj;
	char end;

	obj = bpf_object__open_mem(bpf_empty.data, bpf_empty.end - bpf_empty.data, NULL);
	if (!obj || bpf_object__load(obj)) {
		fprintf(stderr, "empty: cannot load: %m\n");
		return 1;
	}
	if (attach_all(obj))
		return 1;
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	return 0;
}
