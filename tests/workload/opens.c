// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The recorder of opens, and each system call that opens a file once. */
#include "workload.h"
#include "ia32call.h"

#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static uint32_t keep(struct shared *sh, const char *text, size_t len)
{
	uint32_t at = atomic_fetch_add(&sh->text, (uint32_t)len);

	if (at + len > TEXT_BYTES)
		die("too much text");
	memcpy(sh->arena + at, text, len);
	return at;
}

void op_record(struct ctx *c, const struct want *w, long ret)
{
	uint32_t n = atomic_fetch_add(&c->sh->ops, 1);
	struct op *o = &c->sh->op[n];

	if (n >= MAX_OPS)
		die("too many opens");
	*o = (struct op){ .id = w->id,
			  .call = w->call,
			  .match = w->full ? w->match : FULL_ANY,
			  .flags = w->flags,
			  .mode = w->mode,
			  .ret = ret,
			  .pid = (int)getpid(),
			  .tid = (int)syscall(SYS_gettid),
			  .uid = getuid(),
			  .has_path = w->path,
			  .path_cut = w->path_cut };
	if (w->path) {
		o->path_len = (uint32_t)(w->path_len ? w->path_len : strlen(w->path));
		o->path = keep(c->sh, w->path, o->path_len);
	}
	if (w->full) {
		o->full_len = (uint32_t)strlen(w->full);
		o->full = keep(c->sh, w->full, o->full_len);
	}
}

static int64_t mode_of(int flags, int mode)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? mode : -1;
}

/* The plain case: openat, closed again unless the caller wants the descriptor (it gets it). */
long op_openat(struct ctx *c, const char *id, int dirfd, const char *path, const char *full,
	       int flags, int mode)
{
	struct want w = { id, "openat", path, full, FULL_EXACT, flags, mode_of(flags, mode), 0, 0 };
	long ret = SC(SYS_openat, dirfd, path, flags, mode);

	op_record(c, &w, ret);
	return ret;
}

static void close_if(long fd)
{
	if (fd >= 0)
		close((int)fd);
}

const char *join(const char *dir, const char *name)
{
	static _Thread_local char bufs[8][3 * 4096];
	static _Thread_local unsigned int turn;
	char *buf = bufs[turn++ % 8];

	snprintf(buf, sizeof(bufs[0]), "%s/%s", dir, name);
	return buf;
}

/* mknod: a file without an open. */
void make_file(const char *path, mode_t mode)
{
	if (mknod(path, S_IFREG | mode, 0))
		die(path);
	chmod(path, mode);
}

void in_child(struct ctx *c, void (*fn)(struct ctx *c, const char *dir), const char *dir)
{
	pid_t pid = fork();

	if (!pid) {
		fn(c, dir);
		_exit(0);
	}
	wait_for(pid);
}

static void call_open_creat(struct ctx *c, const char *dir)
{
#ifdef SYS_open
	struct want w = {
		"open", "open", join(dir, "plain"), join(dir, "plain"), FULL_EXACT, O_RDONLY, -1,
		0,	0
	};
	long ret = SC(SYS_open, w.path, O_RDONLY, 0);

	op_record(c, &w, ret);
	close_if(ret);
	w = (struct want){ "open-creates",
			   "open",
			   "made-by-open",
			   join(dir, "made-by-open"),
			   FULL_EXACT,
			   O_CREAT | O_EXCL | O_RDWR,
			   0604,
			   0,
			   0 };
	ret = SC(SYS_open, w.path, O_CREAT | O_EXCL | O_RDWR, 0604);
	op_record(c, &w, ret);
	close_if(ret);
	w = (struct want){ "creat",
			   "creat",
			   "made-by-creat",
			   join(dir, "made-by-creat"),
			   FULL_EXACT,
			   O_CREAT | O_WRONLY | O_TRUNC,
			   0640,
			   0,
			   0 };
	ret = SC(SYS_creat, w.path, 0640);
	op_record(c, &w, ret);
	close_if(ret);
#else
	(void)c, (void)dir;
#endif
}

static void openat2_one(struct ctx *c, const char *id, const char *path, const char *full,
			struct open_how *how)
{
	struct want w = { id,
			  "openat2",
			  path,
			  full,
			  FULL_EXACT,
			  (int64_t)how->flags,
			  mode_of((int)how->flags, (int)how->mode),
			  0,
			  0 };
	long ret = SC(SYS_openat2, AT_FDCWD, path, how, sizeof(*how));

	op_record(c, &w, ret);
	close_if(ret);
}

static void call_openat2(struct ctx *c, const char *dir)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };
	struct want w = {
		"openat2-efault", "openat2", "plain", join(dir, "plain"), FULL_EXACT, -1, -1, 0, 0
	};

	openat2_one(c, "openat2", "plain", join(dir, "plain"), &how);
	how = (struct open_how){ .flags = O_CREAT | O_RDWR | O_APPEND, .mode = 0600 };
	openat2_one(c, "openat2-creates", "made-by-openat2", join(dir, "made-by-openat2"), &how);
	how = (struct open_how){ .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS };
	openat2_one(c, "openat2-eloop", "link", join(dir, "link"), &how);
	how = (struct open_how){ .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };
	openat2_one(c, "openat2-exdev", "/etc/passwd", "/etc/passwd", &how);
	/* The structure can't be read: path and error must still be there. */
	op_record(c, &w, SC(SYS_openat2, AT_FDCWD, "plain", (void *)8, sizeof(how)));
}

struct handle {
	unsigned int bytes;
	int type;
	unsigned char data[128];
};

static bool handle_of(const char *path, struct handle *h)
{
	int mount_id;

	h->bytes = sizeof(h->data);
	return !SC(SYS_name_to_handle_at, AT_FDCWD, path, h, &mount_id, 0);
}

/* There is no name in this call: what it opened is known only by its full path. */
static void call_by_handle(struct ctx *c, const char *dir)
{
	struct want w = { "by-handle",
			  "open_by_handle_at",
			  NULL,
			  join(dir, "plain"),
			  FULL_EXACT,
			  O_RDONLY,
			  -1,
			  0,
			  0 };
	struct handle h, gone;
	long mount_fd, ret;

	make_file("unlinked", 0644);
	if (!handle_of("plain", &h) || !handle_of("unlinked", &gone))
		die("name_to_handle_at");
	unlink("unlinked");
	mount_fd = op_openat(c, "by-handle-mount", AT_FDCWD, ".", dir, O_RDONLY | O_DIRECTORY, 0);
	ret = SC(SYS_open_by_handle_at, mount_fd, &h, O_RDONLY);
	op_record(c, &w, ret);
	close_if(ret);
	w.id = "by-handle-estale";
	w.full = NULL;
	op_record(c, &w, SC(SYS_open_by_handle_at, mount_fd, &gone, O_RDONLY));
	close_if(mount_fd);
}

static void call_ia32(struct ctx *c, const char *dir)
{
#if HAVE_IA32
	const char *full = join(dir, "plain");
	char *name = low_string("plain"), *made = low_string("made-by-ia32");
	struct open_how *how = low_alloc(sizeof(*how));
	struct handle *h = low_alloc(sizeof(*h));
	struct want w = { "ia32-open", "open", "plain", full, FULL_EXACT, O_RDONLY, -1, 0, 0 };
	long ret;

	if (!name || !made || !how || !h || !handle_of("plain", h))
		die("low memory");
	ret = ia32(IA32_OPEN, low(name), O_RDONLY, 0, 0);
	op_record(c, &w, ret);
	close_if(ret);
	w.id = "ia32-openat";
	w.call = "openat";
	w.flags = O_RDONLY | O_CLOEXEC;
	ret = ia32(IA32_OPENAT, (uint32_t)AT_FDCWD, low(name), O_RDONLY | O_CLOEXEC, 0);
	op_record(c, &w, ret);
	close_if(ret);
	w.id = "ia32-openat2";
	w.call = "openat2";
	how->flags = O_RDONLY | O_CLOEXEC;
	ret = ia32(IA32_OPENAT2, (uint32_t)AT_FDCWD, low(name), low(how), sizeof(*how));
	op_record(c, &w, ret);
	close_if(ret);
	w = (struct want){ "ia32-creat",
			   "creat",
			   "made-by-ia32",
			   join(dir, "made-by-ia32"),
			   FULL_EXACT,
			   O_CREAT | O_WRONLY | O_TRUNC,
			   0600,
			   0,
			   0 };
	ret = ia32(IA32_CREAT, low(made), 0600, 0, 0);
	op_record(c, &w, ret);
	close_if(ret);
	w = (struct want){ "ia32-enoent", "open", NULL, NULL, FULL_ANY, O_WRONLY, -1, 0, 0 };
	w.path = strcpy(made, "not-here");
	w.full = join(dir, "not-here");
	w.match = FULL_EXACT;
	op_record(c, &w, ia32(IA32_OPEN, low(made), O_WRONLY, 0, 0));
	w = (struct want){
		"ia32-by-handle", "open_by_handle_at", NULL, full, FULL_EXACT, O_RDONLY, -1, 0, 0
	};
	ret = ia32(IA32_OPEN_BY_HANDLE_AT, (uint32_t)AT_FDCWD, low(h), O_RDONLY, 0);
	op_record(c, &w, ret);
	close_if(ret);
#else
	(void)c, (void)dir;
#endif
}

void opens_calls(struct ctx *c, const char *dir)
{
	close_if(op_openat(c, "openat", AT_FDCWD, "plain", join(dir, "plain"),
			   O_RDWR | O_CLOEXEC | O_NONBLOCK, 0));
	close_if(op_openat(c, "openat-creates", AT_FDCWD, "made", join(dir, "made"),
			   O_CREAT | O_WRONLY | O_TRUNC, 0751));
	/* A mode in the register that nobody asked for must not be shown. */
	close_if(op_openat(c, "openat-no-mode", AT_FDCWD, "made", join(dir, "made"),
			   O_WRONLY | O_APPEND, 0777));
	close_if(op_openat(c, "create-existing", AT_FDCWD, "made", join(dir, "made"),
			   O_CREAT | O_RDONLY, 0600));
	call_open_creat(c, dir);
	call_openat2(c, dir);
	call_by_handle(c, dir);
	if (ia32_offered(c))
		call_ia32(c, dir);
}

struct thread {
	struct ctx *c;
	const char *dir;
	int number;
};

static void *open_in_thread(void *arg)
{
	struct thread *t = arg;
	char name[32];

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "thread-%d-%d", t->number, i);
		close_if(op_openat(t->c, "thread", AT_FDCWD, name, join(t->dir, name),
				   i % 2 ? O_RDONLY : O_CREAT | O_WRONLY, 0644));
	}
	return NULL;
}

static void opens_threads(struct ctx *c, const char *dir)
{
	struct thread t[4];
	pthread_t id[4];

	for (int i = 0; i < 4; i++) {
		t[i] = (struct thread){ c, dir, i };
		if (pthread_create(&id[i], NULL, open_in_thread, &t[i]))
			die("pthread_create");
	}
	for (int i = 0; i < 4; i++)
		pthread_join(id[i], NULL);
}

int cmd_opens(struct ctx *c)
{
	const char *dir = arg_str(c, 0, NULL);

	umask(0);
	if (chdir(dir) || symlink("plain", "link"))
		die(dir);
	make_file("plain", 0644);
	opens_calls(c, dir);
	opens_failures(c, dir);
	opens_places(c, dir);
	opens_memory(c, dir);
	opens_names(c, dir);
	opens_threads(c, dir);
	opens_uring(c, dir);
	return 0;
}
