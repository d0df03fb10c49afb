/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The guest's agent. It is the guest's init and runs the host's commands.
 *
 * The channel carries frames in both directions: a header (struct frame, little endian) and its
 * payload. The host chooses an id per command; frames of many commands interleave.
 */
#ifndef MACHINE_AGENT_H
#define MACHINE_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum frame_type {
	/* from the host */
	FRAME_EXEC = 1,	  /* struct exec_head, then NUL-ended strings: cwd, argv[], env[] */
	FRAME_INPUT = 2,  /* bytes for the command's input; an empty one ends it */
	FRAME_SIGNAL = 3, /* struct signal_body */
	FRAME_PUT = 4,	  /* struct put_head, path: a file is written from the input that follows */
	FRAME_GET = 5,	  /* path: a file comes back as FRAME_STDOUT */
	/* from the guest */
	FRAME_HELLO = 16,   /* the guest is ready; id 0, no payload */
	FRAME_STARTED = 17, /* u32 process id; only for FRAME_EXEC */
	FRAME_STDOUT = 18,
	FRAME_STDERR = 19,
	FRAME_EXIT = 20,  /* u32 status as waitpid() gives it; 0 for a file. The id's last frame */
	FRAME_ERROR = 21, /* u32 errno: not started, or the file failed. The id's last frame */
};

struct frame {
	uint32_t length; /* bytes of payload */
	uint32_t id;
	uint32_t type;
};

enum exec_flags {
	EXEC_NO_INPUT = 1, /* input is /dev/null, no FRAME_INPUT follows */
	EXEC_TTY = 2,	   /* on a terminal of its own; all output is FRAME_STDOUT */
};

struct exec_head {
	uint32_t flags;
	uint16_t rows, columns; /* of the terminal */
	uint32_t argc, envc;
};

struct signal_body {
	uint32_t signal;
	uint32_t group; /* not 0: to the command's process group, even when it has exited itself */
};

struct put_head {
	uint32_t mode; /* permission bits, or MODE_KEEP: the file's own, 0644 for a new one */
};

#define MODE_KEEP UINT32_MAX

#define JOB_STREAMS 3

struct buffer {
	char *data;
	size_t start, length, capacity;
};

/*
 * A command, or a file being written (input only) or read (output only). It ends, and its id is
 * forgotten, when its outputs have ended and the process has been reaped or the file written.
 */
struct job {
	uint32_t id;
	pid_t group; /* the process, which leads a group and a session; 0 for a file */
	bool used, reaped, input_ended;
	int status, error;
	int in, out[2]; /* the agent's ends, -1 when closed */
	struct buffer input;
};

/*
 * Starts the command of a FRAME_EXEC and gives the agent's ends of its streams to the job.
 * 0, or errno when it could not be executed; whatever the job then holds is the caller's to close.
 */
int run_command(struct job *job, char *payload, size_t length);

/* Mounts the root and the pseudo filesystems, loads the modules listed in the initramfs. */
void set_up_machine(void);

/* The guest's end of the channel, non-blocking. Waits for the host, ends the guest without one. */
int open_channel(void);

/* Ends the guest at once, without a trace on the console. */
void end_machine(void);

/* Says what failed on the console, where the host reads it, and ends the guest by a panic. */
void die(const char *what) __attribute__((noreturn));

#endif
