/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/kernel/perf_hook.h"

/* As in linux/mount.h, which can't be included beside sys/mount.h of some C libraries. */
#define FSOPEN_CLOEXEC_	     1
#define FSMOUNT_CLOEXEC_     1
#define FSCONFIG_CMD_CREATE_ 6

static int mount_detached(void)
{
	int context = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC_), fd = -1, error;

	if (context < 0)
		return -1;
	if (!syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE_, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC_, 0);
	error = errno;
	close(context);
	errno = error;
	return fd;
}

int tracefs_open(char *why, size_t size)
{
	const char *path = tracefs_path();
	int fd = path ? open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC) : mount_detached();

	if (fd >= 0)
		return fd;
	if (errno == ENODEV)
		snprintf(why, size, "this kernel has no tracefs");
	else if (path)
		snprintf(why, size, "%s can't be opened (%s): it belongs to root", path,
			 strerror(errno));
	else
		snprintf(why, size,
			 "tracefs isn't mounted, and can't be from here (%s): mount -t tracefs "
			 "tracefs /sys/kernel/tracing",
			 strerror(errno));
	return -1;
}

bool tracefs_read(int dir, const char *file, char *text, size_t size)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC), error;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	error = errno;
	close(fd);
	errno = error;
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return n >= 0;
}

/* Some settings take effect at the end of a line, others when the file is closed. */
static bool put(int dir, const char *file, const char *text, int flags)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | flags), error;
	char line[256];
	int len;
	bool ok;

	if (fd < 0)
		return false;
	len = snprintf(line, sizeof(line), "%s\n", text);
	errno = EOVERFLOW;
	ok = !*text || (len < (int)sizeof(line) && write(fd, line, (size_t)len) == len);
	error = errno;
	if (close(fd) && ok)
		return false;
	errno = error;
	return ok;
}

bool tracefs_write(int dir, const char *file, const char *text)
{
	return put(dir, file, text, O_TRUNC);
}

bool tracefs_append(int dir, const char *file, const char *text)
{
	return put(dir, file, text, 0);
}

bool tracefs_lists(int dir, const char *file, const char *word)
{
	char text[1024], *save = NULL;

	if (!tracefs_read(dir, file, text, sizeof(text)))
		return false;
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!strcmp(w, word))
			return true;
	return false;
}

void tracefs_value(char *text)
{
	char *open = strchr(text, '['), *expanded = strstr(text, "(expanded: ");
	size_t len;

	if (open && strchr(open, ']')) {
		len = strcspn(open + 1, "]");
		memmove(text, open + 1, len);
		text[len] = '\0';
	} else if (expanded) { /* the size that it gets with its first use, which comes now */
		expanded += strlen("(expanded: ");
		len = strcspn(expanded, ")");
		memmove(text, expanded, len);
		text[len] = '\0';
	} else if (*text == '#' || !strcmp(text, "no pid")) { /* an empty list, in words */
		*text = '\0';
	}
}

/* Of this boot: what was noted before it is about another kernel. */
static void boot_line(char *line, size_t size)
{
	line[0] = '\0';
	tracefs_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", line, size);
}

static bool note(int fd, const char *text)
{
	size_t len = strlen(text);

	return write(fd, text, len) == (ssize_t)len;
}

static bool record_begins(struct tracefs_kept *kept)
{
	char boot[64];

	boot_line(boot, sizeof(boot));
	kept->n = 0;
	return !ftruncate(kept->fd, 0) && note(kept->fd, boot) && note(kept->fd, "\n");
}

/* What a run that is no more has noted. */
static void recall(struct tracefs_kept *kept)
{
	char text[KEPT_MAX * sizeof(kept->of[0]) + 64], boot[64], *save = NULL;
	ssize_t n = pread(kept->fd, text, sizeof(text) - 1, 0);
	char *line;

	text[n > 0 ? n : 0] = '\0';
	boot_line(boot, sizeof(boot));
	line = strtok_r(text, "\n", &save);
	if (!line || strcmp(line, boot))
		return;
	while ((line = strtok_r(NULL, "\n", &save)) && kept->n < KEPT_MAX) {
		char *tab = strchr(line, '\t');

		if (!tab)
			continue;
		*tab = '\0';
		snprintf(kept->of[kept->n].file, sizeof(kept->of[0].file), "%s", line);
		snprintf(kept->of[kept->n++].value, sizeof(kept->of[0].value), "%s", tab + 1);
	}
}

static int open_record(const char *record, char *why, size_t size)
{
	char dir[128];
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(record, '/') - record), record);
	mkdir(dir, 0755);
	fd = open(record, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(why, size, "%s, where it notes what it must put back, can't be opened: %s",
			 record, strerror(errno));
		return -1;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	close(fd);
	snprintf(why, size,
		 "another one is running, and the kernel has some of its settings once: "
		 "try again when it has ended");
	return -1;
}

bool tracefs_keep(struct tracefs_kept *kept, int dir, const char *record, char *why, size_t size)
{
	kept->dir = dir;
	kept->n = 0;
	kept->fd = open_record(record, why, size);
	if (kept->fd < 0)
		return false;
	recall(kept);
	for (; kept->n; kept->n--) /* a setting that is gone needs nothing */
		tracefs_write(dir, kept->of[kept->n - 1].file, kept->of[kept->n - 1].value);
	if (record_begins(kept))
		return true;
	snprintf(why, size, "%s can't be written: %s", record, strerror(errno));
	close(kept->fd);
	kept->fd = -1;
	return false;
}

bool tracefs_set(struct tracefs_kept *kept, const char *file, const char *value)
{
	char line[256], before[sizeof(kept->of[0].value)];

	if (!tracefs_read(kept->dir, file, before, sizeof(before)))
		return false;
	tracefs_value(before);
	snprintf(line, sizeof(line), "%s\t%s\n", file, before);
	if (kept->n == KEPT_MAX || !note(kept->fd, line))
		return false;
	snprintf(kept->of[kept->n].file, sizeof(kept->of[0].file), "%s", file);
	snprintf(kept->of[kept->n++].value, sizeof(before), "%s", before);
	return tracefs_write(kept->dir, file, value);
}

bool tracefs_give_back(struct tracefs_kept *kept)
{
	int error = 0;

	if (kept->fd < 0)
		return true;
	for (size_t i = kept->n; i--;)
		if (!tracefs_write(kept->dir, kept->of[i].file, kept->of[i].value) && !error)
			error = errno;
	if (!error && ftruncate(kept->fd, 0))
		error = errno;
	close(kept->fd);
	kept->fd = -1;
	kept->n = 0;
	errno = error;
	return !error;
}
