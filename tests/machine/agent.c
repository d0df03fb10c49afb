/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define MAX_JOBS  128
#define MAX_FRAME (16u << 20)
#define CHUNK	  (32u << 10)
#define OUT_LIMIT (256u << 10) /* commands' output waits in their pipes above this */

static struct job jobs[MAX_JOBS];
static struct buffer from_host, to_host;
static int channel;

static void append(struct buffer *buffer, const void *data, size_t length)
{
	if (buffer->start + buffer->length + length > buffer->capacity && buffer->start) {
		memmove(buffer->data, buffer->data + buffer->start, buffer->length);
		buffer->start = 0;
	}
	if (buffer->length + length > buffer->capacity) {
		buffer->capacity = (buffer->length + length) * 2;
		buffer->data = realloc(buffer->data, buffer->capacity);
		if (!buffer->data)
			die("memory");
	}
	if (length)
		memcpy(buffer->data + buffer->start + buffer->length, data, length);
	buffer->length += length;
}

static char *first(const struct buffer *buffer)
{
	return buffer->data + buffer->start;
}

static void consume(struct buffer *buffer, size_t length)
{
	buffer->length -= length;
	buffer->start = buffer->length ? buffer->start + length : 0;
}

static void discard(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}

static void send_frame(uint32_t type, uint32_t id, const void *payload, uint32_t length)
{
	struct frame frame = { .length = length, .id = id, .type = type };

	append(&to_host, &frame, sizeof(frame));
	append(&to_host, payload, length);
}

static void send_number(uint32_t type, uint32_t id, uint32_t number)
{
	send_frame(type, id, &number, sizeof(number));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct job *find_job(uint32_t id)
{
	for (int i = 0; i < MAX_JOBS; i++) {
		if (jobs[i].used && jobs[i].id == id)
			return &jobs[i];
	}
	return NULL;
}

/* NULL, and the host is told, when there are too many. */
static struct job *new_job(uint32_t id)
{
	for (int i = 0; i < MAX_JOBS; i++) {
		if (jobs[i].used)
			continue;
		jobs[i] = (struct job){ .id = id, .used = true, .in = -1, .out = { -1, -1 } };
		return &jobs[i];
	}
	send_number(FRAME_ERROR, id, EAGAIN);
	return NULL;
}

static void drop_job(struct job *job)
{
	close_fd(&job->in);
	close_fd(&job->out[0]);
	close_fd(&job->out[1]);
	discard(&job->input);
	job->used = false;
}

static void fail_job(struct job *job, int error)
{
	send_number(FRAME_ERROR, job->id, error);
	drop_job(job);
}

static void finish_if_done(struct job *job)
{
	bool open = job->out[0] >= 0 || job->out[1] >= 0;

	if (job->group ? !job->reaped : job->in >= 0)
		open = true;
	if (open)
		return;
	if (job->error) {
		fail_job(job, job->error);
		return;
	}
	send_number(FRAME_EXIT, job->id, job->status);
	drop_job(job);
}

static void start_command(uint32_t id, char *payload, size_t length)
{
	struct job *job = new_job(id);
	int error;

	if (!job)
		return;
	error = run_command(job, payload, length);
	if (error)
		fail_job(job, error);
	else
		send_number(FRAME_STARTED, id, job->group);
}

static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

static void start_put(uint32_t id, char *payload, size_t length)
{
	char *path = payload + sizeof(struct put_head);
	struct put_head head;
	struct job *job;

	if (length < sizeof(head) + 2 || payload[length - 1] != '\0') {
		send_number(FRAME_ERROR, id, EBADMSG);
		return;
	}
	job = new_job(id);
	if (!job)
		return;
	memcpy(&head, payload, sizeof(head));
	make_parents(path);
	job->in = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644);
	if (job->in < 0 || (head.mode != MODE_KEEP && fchmod(job->in, head.mode & 07777)))
		fail_job(job, errno);
}

static void start_get(uint32_t id, const char *path, size_t length)
{
	struct job *job;
	struct stat st;

	if (length < 2 || path[length - 1] != '\0') {
		send_number(FRAME_ERROR, id, EBADMSG);
		return;
	}
	job = new_job(id);
	if (!job)
		return;
	job->out[0] = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (job->out[0] < 0 || fstat(job->out[0], &st))
		fail_job(job, errno);
	else if (S_ISDIR(st.st_mode))
		fail_job(job, EISDIR);
}

static void take_input(uint32_t id, const char *payload, size_t length)
{
	struct job *job = find_job(id);

	/* The host may send on for a while after a command has gone or closed its input. */
	if (!job || job->in < 0)
		return;
	if (length)
		append(&job->input, payload, length);
	else
		job->input_ended = true;
}

static void signal_job(uint32_t id, const char *payload, size_t length)
{
	struct job *job = find_job(id);
	struct signal_body body;

	if (!job || !job->group || length != sizeof(body))
		return;
	memcpy(&body, payload, sizeof(body));
	if (body.group)
		kill(-job->group, body.signal);
	else if (!job->reaped)
		kill(job->group, body.signal);
}

static void write_input(struct job *job)
{
	ssize_t count;

	if (job->input.length) {
		count = write(job->in, first(&job->input), job->input.length);
		if (count > 0)
			consume(&job->input, count);
		if (count >= 0 || errno == EAGAIN || errno == EINTR)
			return;
		if (!job->group)
			job->error = errno; /* a command may close its input, a file may not fail */
		job->input_ended = true;
		discard(&job->input);
	}
	if (job->input_ended)
		close_fd(&job->in);
}

static void read_output(struct job *job, int stream)
{
	char data[CHUNK];
	ssize_t count = read(job->out[stream], data, sizeof(data));

	if (count > 0) {
		send_frame(FRAME_STDOUT + stream, job->id, data, count);
		return;
	}
	if (count < 0 && (errno == EAGAIN || errno == EINTR) && job->group)
		return;
	if (count < 0 && !job->group)
		job->error = errno;
	close_fd(&job->out[stream]); /* the end, which is EIO on a terminal */
}

static void handle_frame(const struct frame *frame, char *payload)
{
	switch (frame->type) {
	case FRAME_EXEC:
		start_command(frame->id, payload, frame->length);
		break;
	case FRAME_INPUT:
		take_input(frame->id, payload, frame->length);
		break;
	case FRAME_SIGNAL:
		signal_job(frame->id, payload, frame->length);
		break;
	case FRAME_PUT:
		start_put(frame->id, payload, frame->length);
		break;
	case FRAME_GET:
		start_get(frame->id, payload, frame->length);
		break;
	default:
		die("unknown frame from the host");
	}
}

static void read_channel(void)
{
	char data[CHUNK];
	struct frame frame;
	size_t done = 0;
	ssize_t count = read(channel, data, sizeof(data));

	if (count > 0)
		append(&from_host, data, count);
	while (from_host.length - done >= sizeof(frame)) {
		memcpy(&frame, first(&from_host) + done, sizeof(frame));
		if (frame.length > MAX_FRAME)
			die("frame from the host is too long");
		if (from_host.length - done - sizeof(frame) < frame.length)
			break;
		handle_frame(&frame, first(&from_host) + done + sizeof(frame));
		done += sizeof(frame) + frame.length;
	}
	consume(&from_host, done);
}

static void write_channel(void)
{
	ssize_t count = write(channel, first(&to_host), to_host.length);

	if (count > 0)
		consume(&to_host, count);
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < MAX_JOBS; i++) {
			if (jobs[i].used && jobs[i].group == pid && !jobs[i].reaped) {
				jobs[i].reaped = true;
				jobs[i].status = status;
			}
		}
	}
}

static void watch(struct pollfd *fd, int number, short events)
{
	*fd = (struct pollfd){ .fd = events ? number : -1, .events = events };
}

static void poll_once(const sigset_t *signals)
{
	static struct pollfd fds[1 + MAX_JOBS * JOB_STREAMS];
	bool full = to_host.length >= OUT_LIMIT;
	struct pollfd *fd = fds + 1;

	watch(&fds[0], channel, to_host.length ? POLLIN | POLLOUT : POLLIN);
	for (int i = 0; i < MAX_JOBS; i++, fd += JOB_STREAMS) {
		struct job *job = &jobs[i];
		bool writes = job->used && (job->input.length || job->input_ended);

		watch(&fd[0], job->in, writes ? POLLOUT : 0);
		watch(&fd[1], job->out[0], job->used && !full ? POLLIN : 0);
		watch(&fd[2], job->out[1], job->used && !full ? POLLIN : 0);
	}
	/* A signal only ends the wait: the loop reaps. */
	if (ppoll(fds, sizeof(fds) / sizeof(fds[0]), NULL, signals) < 0)
		return;
	fd = fds + 1;
	for (int i = 0; i < MAX_JOBS; i++, fd += JOB_STREAMS) {
		if (fd[0].revents)
			write_input(&jobs[i]);
		if (fd[1].revents)
			read_output(&jobs[i], 0);
		if (fd[2].revents)
			read_output(&jobs[i], 1);
	}
	if (fds[0].revents & POLLHUP)
		end_machine(); /* the host's process has gone, however it ended */
	if (fds[0].revents & POLLIN)
		read_channel();
	if (fds[0].revents & POLLOUT)
		write_channel();
}

static void on_child(int signal)
{
	(void)signal;
}

int main(void)
{
	struct sigaction child = { .sa_handler = on_child };
	sigset_t blocked, waiting;

	set_up_machine();
	channel = open_channel();
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGCHLD, &child, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigemptyset(&waiting);
	send_frame(FRAME_HELLO, 0, NULL, 0);
	for (;;) {
		poll_once(&waiting);
		reap();
		for (int i = 0; i < MAX_JOBS; i++) {
			if (jobs[i].used)
				finish_if_done(&jobs[i]);
		}
	}
}
