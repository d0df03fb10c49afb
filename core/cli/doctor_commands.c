/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/cli/doctor_commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/kernel/ladder.h"
#include "core/kernel/privs.h"
#include "core/run/common.h"
#include "core/run/run.h"
#include "core/run/target.h"

/* Standard error, while a command talks to it. */
struct captured {
	int memory, saved;
};

static bool capture_begin(struct captured *c)
{
	c->memory = memfd_create("iosonde-doctor", MFD_CLOEXEC);
	c->saved = dup(STDERR_FILENO);
	return c->memory >= 0 && c->saved >= 0 && dup2(c->memory, STDERR_FILENO) >= 0;
}

/* What was said goes to @out, as one line and without the name that every message begins with. */
static void capture_end(struct captured *c, const char *name, char *out, size_t size)
{
	char text[2048];
	ssize_t n = c->memory < 0 ? 0 : pread(c->memory, text, sizeof(text) - 1, 0);
	size_t len = strlen(name), used = 0;
	char *save = NULL;

	if (c->saved >= 0) {
		dup2(c->saved, STDERR_FILENO);
		close(c->saved);
	}
	if (c->memory >= 0)
		close(c->memory);
	text[n > 0 ? n : 0] = '\0';
	out[0] = '\0';
	for (char *l = strtok_r(text, "\n", &save); l && used < size;
	     l = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(l, name, len) && !strncmp(l + len, ": ", 2))
			l += len + 2;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "; " : "", l);
	}
}

/* The command itself, in a process of its own: it says best what it misses. */
static void ask_command(const struct tool *tool)
{
	char pid[16], *argv[] = { (char *)tool->name,
				  "-d",
				  "1ms",
				  "-p",
				  pid,
				  "-O",
				  "/dev/null",
				  tool->many.arguments	 ? "vfs_read()"
				  : tool->many.functions ? "*"
							 : NULL,
				  NULL };
	int argc = tool->many.functions ? 8 : 7;
	pid_t child;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	child = fork();
	if (!child)
		_exit(run_tool(tool, argc, argv));
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void append(char *to, size_t size, const char *separator, const char *text)
{
	size_t len = strlen(to);

	snprintf(to + len, size - len, "%s%s", len ? separator : "", text);
}

static void describe_probe(const struct loaded *l, size_t i, struct command_row *row)
{
	const struct probe *probe = &l->tool->probes[i];
	const struct choice *choice = &l->choices[i];
	const struct rung *rung = choice->rung < 0 ? NULL : &probe->rungs[choice->rung];
	struct hook_row *h = &row->probes[row->n_probes];

	if (!rung && !*choice->why) /* only with some option */
		return;
	row->n_probes++;
	h->command = row->name;
	h->what = probe->what;
	h->blind = rung ? loaded_probe_blind(l, i) : probe->without;
	snprintf(h->why, sizeof(h->why), "%s", choice->why);
	for (size_t p = 0; rung && p < RUNG_PROGS && rung->progs[p]; p++)
		append(h->hooks, sizeof(h->hooks), " ", loaded_hook(l, rung->progs[p]));
	if (*h->hooks)
		append(row->hooks, sizeof(row->hooks), " ", h->hooks);
	if (!h->blind)
		h->blind = "";
}

static bool load_and_attach(const struct tool *tool, const char *btf, struct command_row *row)
{
	struct common_opts common = { 0 };
	struct option_set sets[MAX_OPTION_SETS];
	struct option_result result;
	struct target_cfg target;
	char err[256], *argv[] = { (char *)tool->name, NULL };
	void *cfg = calloc(1, tool->cfg_size + 8);
	struct load_opts opts = { .tool = tool, .cfg = cfg, .target = &target, .btf = btf };
	struct loaded *l = NULL;
	bool ok;

	/* -p, with no process in the map */
	if (!cfg ||
	    !options_parse(sets, common_option_sets(tool, &common, cfg, sets), 1, argv, &result) ||
	    !target_resolve(&common, false, &target, err, sizeof(err))) {
		free(cfg);
		return false;
	}
	target.flags |= TARGET_PID;
	opts.buffer = common_buffer(opts.tool, &common, false);
	l = loaded_open(&opts);
	ok = l && loaded_attach(l, NULL, NULL);
	for (size_t i = 0; ok && tool->probes[i].what; i++)
		describe_probe(l, i, row);
	if (ok) {
		loaded_blind(l, row->blind, sizeof(row->blind));
		row->state = l->task_storage ? "task storage" : "a hash of threads";
	}
	loaded_free(l);
	free(cfg);
	return ok;
}

static void look_at_feed(const struct feed *feed, struct command_row *row)
{
	struct hook_row *h = row->probes;

	row->usable = feed->look(h->hooks, sizeof(h->hooks), row->why, sizeof(row->why));
	if (!row->usable)
		return;
	h->command = row->name;
	h->what = feed->what;
	h->blind = "";
	row->n_probes = 1;
	row->state = FEED_STATE;
	snprintf(row->hooks, sizeof(row->hooks), "%s", h->hooks);
}

void command_check(const struct tool *tool, const char *btf, struct command_row *row)
{
	struct captured captured;
	char missing[64], said[sizeof(row->why)];

	memset(row, 0, sizeof(*row));
	row->name = tool->name;
	row->state = "";
	log_init(tool->name, false);
	if (!capture_begin(&captured)) {
		snprintf(row->why, sizeof(row->why), "cannot watch it: %s", strerror(errno));
		capture_end(&captured, tool->name, missing, sizeof(missing));
	} else {
		if (tool->feed)
			look_at_feed(tool->feed, row);
		else if (privs_can_trace(missing, sizeof(missing)))
			row->usable = load_and_attach(tool, btf, row);
		else
			ask_command(tool);
		capture_end(&captured, tool->name, said, sizeof(said));
		if (*said)
			snprintf(row->why, sizeof(row->why), "%s", said);
	}
	if (row->usable)
		row->why[0] = '\0';
	log_init("doctor", false);
}
