/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/run/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"

static bool add_dir(struct dirs_cfg *dirs, const char *path, bool chosen_by_glob, char *err,
		    size_t size)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* a pattern takes files, too, and links that lead nowhere */
	if (fd < 0 && chosen_by_glob && (errno == ENOTDIR || errno == ENOENT || errno == ELOOP))
		return true;
	if (fd < 0) {
		snprintf(err, size, "\"%s\": %s", path, strerror(errno));
		return false;
	}
	if (dirs->n == DIRS_MAX) {
		close(fd);
		snprintf(err, size, "more than %d directories; name one that holds them", DIRS_MAX);
		return false;
	}
	dirs->fd[dirs->n++] = fd;
	return true;
}

static bool add_pattern(struct dirs_cfg *dirs, const char *pattern, char *err, size_t size)
{
	bool wild = pattern[strcspn(pattern, "*?[")] != '\0', ok = true;
	glob_t found = { 0 };
	uint32_t before = dirs->n;

	if (!wild || access(pattern, F_OK) == 0) /* a name with such a character in it */
		return add_dir(dirs, pattern, false, err, size);
	if (!glob(pattern, GLOB_NOSORT, NULL, &found))
		for (size_t i = 0; ok && i < found.gl_pathc; i++)
			ok = add_dir(dirs, found.gl_pathv[i], true, err, size);
	globfree(&found);
	if (ok && dirs->n == before) {
		snprintf(err, size, "\"%s\" matches no directory", pattern);
		return false;
	}
	return ok;
}

bool dirs_parse(const struct option_spec *spec, const char *arg, void *cfg, char *err, size_t size)
{
	struct dirs_cfg *dirs = (struct dirs_cfg *)((char *)cfg + spec->field.off);
	char *list = strdup(arg), *save = NULL;
	bool ok = list != NULL;

	dirs->given = 1;
	for (char *d = list ? strtok_r(list, ",", &save) : NULL; ok && d;
	     d = strtok_r(NULL, ",", &save))
		ok = add_pattern(dirs, d, err, size);
	if (ok && !dirs->n) {
		snprintf(err, size, "a directory is missing");
		ok = false;
	}
	free(list);
	return ok;
}

bool dirs_start(struct run *run)
{
	char none[64];
	ssize_t n;
	int fd;

	fd = loaded_iter(run_loaded(run), "dirs_find");
	if (fd < 0 && errno == ENOENT)
		return true; /* no directory was named */
	do {
		n = fd < 0 ? -1 : read(fd, none, sizeof(none));
	} while (n > 0 || (fd >= 0 && n < 0 && errno == EAGAIN)); /* so many at once */
	if (fd < 0 || n < 0) {
		log_error("cannot look for the directories in the kernel: %s", strerror(errno));
		return false;
	}
	close(fd);
	return true;
}
