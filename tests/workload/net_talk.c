// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Two processes that talk over sockets of each kind: who has sent and received what, by how many
 * calls. */
#include "net.h"

#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#define V4    "127.0.0.1"
#define V6    "::1"
#define KIB   1024
#define BATCH 10
#define WHOLE (100 * KIB)

/* What one end has done. */
struct talk {
	const char *kind, *proto, *path;
	int fd;
	long sends, recvs, again;
	int64_t tx, rx;
};

static char data[WHOLE];

static void talk_tell(struct talk *t)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (!strcmp(t->proto, "tcp") && getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		die("TCP_INFO");
	printf("{\"workload\":\"talk\",\"kind\":\"%s\",\"proto\":\"%s\",\"pid\":%d,\"lport\":%d,"
	       "\"rport\":%d,\"path\":\"%s\",\"sends\":%ld,\"recvs\":%ld,\"again\":%ld,\"tx\":%lld,"
	       "\"rx\":%lld,\"socket_rx\":%lld}\n",
	       t->kind, t->proto, getpid(), t->path ? 0 : local_port(t->fd),
	       t->path ? 0 : remote_port(t->fd), t->path ? t->path : "", t->sends, t->recvs,
	       t->again, (long long)t->tx, (long long)t->rx, (long long)info.tcpi_bytes_received);
	fflush(stdout);
}

static void sent(struct talk *t, ssize_t n, ssize_t wanted)
{
	if (n != wanted)
		die("a send");
	t->sends++;
	t->tx += n;
}

static ssize_t received(struct talk *t, ssize_t n)
{
	if (n < 0)
		die("a receive");
	t->recvs++;
	t->rx += n;
	return n;
}

/* The far end, in a process of its own: answers each KiB with one, until there are no more. */
static void echo(struct talk *t, int rounds, int pause_ms)
{
	for (int i = 0; i < rounds; i++) {
		for (ssize_t got = 0; got < KIB;)
			got += received(t, read(t->fd, data, (size_t)(KIB - got)));
		if (pause_ms)
			sleep_ms((unsigned)pause_ms);
		sent(t, write(t->fd, data, KIB), KIB);
	}
	talk_tell(t);
}

static void round_trips(struct talk *t, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		sent(t, send(t->fd, data, KIB, MSG_NOSIGNAL), KIB);
		received(t, recv(t->fd, data, KIB, MSG_WAITALL));
	}
	talk_tell(t);
}

static void over_tcp(const char *kind, const char *addr, int rounds, int pause_ms)
{
	struct talk t = { .kind = kind, .proto = "tcp" };
	int port, listening = listener("::", 8, &port);
	pid_t pid = fork();

	if (!pid) {
		t.fd = accept(listening, NULL, NULL);
		echo(&t, rounds, pause_ms);
		_exit(0);
	}
	t.fd = connected(addr, port);
	round_trips(&t, rounds);
	wait_for(pid);
	close(t.fd);
	close(listening);
}

static int udp_socket(const char *addr)
{
	union name name;
	socklen_t len = name_of(&name, addr, 0);
	int fd = socket(name.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, &name.any, len))
		die("udp");
	return fd;
}

/* Neither end is connected: each call names the other. */
static void udp_echo(struct talk *t, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		union name name;
		socklen_t len = sizeof(name);

		received(t, recvfrom(t->fd, data, KIB, 0, &name.any, &len));
		sent(t, sendto(t->fd, data, KIB, 0, &name.any, len), KIB);
	}
	talk_tell(t);
}

static void over_udp(int rounds)
{
	struct talk t = { .kind = "udp", .proto = "udp", .fd = udp_socket(V4) };
	int server = t.fd;
	union name name, from;
	socklen_t len = name_of(&name, V4, local_port(server)), from_len = sizeof(from);
	pid_t pid = fork();

	if (!pid) {
		udp_echo(&t, rounds);
		_exit(0);
	}
	t.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < rounds; i++) {
		struct iovec iov = { data, KIB };
		struct msghdr msg = {
			.msg_name = &from, .msg_namelen = from_len, .msg_iov = &iov, .msg_iovlen = 1
		};

		sent(&t, sendto(t.fd, data, KIB, 0, &name.any, len), KIB);
		received(&t, recvmsg(t.fd, &msg, 0));
	}
	talk_tell(&t);
	wait_for(pid);
	close(t.fd);
	close(server);
}

/* Many messages by one call. */
static void over_udp_in_batches(int rounds)
{
	struct talk t = { .kind = "batches", .proto = "udp", .fd = udp_socket(V6) };
	struct mmsghdr msgs[BATCH] = { 0 };
	struct iovec iov = { data, 100 };
	union name name;
	socklen_t len = name_of(&name, V6, local_port(t.fd));

	if (connect(t.fd, &name.any, len)) /* to itself */
		die("connect");
	for (int i = 0; i < BATCH; i++)
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	for (int i = 0; i < rounds; i++) {
		if (sendmmsg(t.fd, msgs, BATCH, 0) != BATCH ||
		    recvmmsg(t.fd, msgs, BATCH, 0, NULL) != BATCH)
			die("a batch");
		t.sends++;
		t.recvs++;
		t.tx += BATCH * 100;
		t.rx += BATCH * 100;
	}
	talk_tell(&t);
	close(t.fd);
}

static void over_unix(const char *path, int rounds)
{
	struct talk t = { .kind = "unix", .proto = "unix", .path = path };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	if (bind(listening, (struct sockaddr *)&name, sizeof(name)) || listen(listening, 8))
		die(path);
	pid = fork();
	if (!pid) {
		t.fd = accept(listening, NULL, NULL);
		echo(&t, rounds, 0);
		_exit(0);
	}
	t.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(t.fd, (struct sockaddr *)&name, sizeof(name)))
		die(path);
	for (int i = 0; i < rounds; i++) {
		struct iovec iov = { data, KIB };

		sent(&t, writev(t.fd, &iov, 1), KIB);
		received(&t, readv(t.fd, &iov, 1));
	}
	talk_tell(&t);
	wait_for(pid);
	close(t.fd);
	close(listening);
}

static void a_file(void)
{
	struct talk t = { .kind = "sendfile", .proto = "tcp" };
	int port, listening = listener(V4, 8, &port), file = memfd_create("file", MFD_CLOEXEC);
	pid_t pid = fork();

	if (!pid) {
		t.fd = accept(listening, NULL, NULL);
		while (received(&t, recv(t.fd, data, sizeof(data), 0)) > 0)
			;
		t.proto = "tcp";
		talk_tell(&t);
		_exit(0);
	}
	t.fd = connected(V4, port);
	if (ftruncate(file, WHOLE))
		die("file");
	sent(&t, sendfile(t.fd, file, NULL, WHOLE), WHOLE);
	talk_tell(&t);
	close(t.fd);
	wait_for(pid);
	close(listening);
	close(file);
}

/* There is nothing yet; then something is looked at before it is taken. */
static void in_vain(void)
{
	struct talk t = { .kind = "in vain", .proto = "udp", .fd = udp_socket(V4) };
	union name name;
	socklen_t len = name_of(&name, V4, local_port(t.fd));

	if (connect(t.fd, &name.any, len))
		die("connect");
	for (int i = 0; i < 5; i++) {
		if (recv(t.fd, data, KIB, MSG_DONTWAIT) >= 0)
			die("from nowhere");
		t.recvs++;
		t.again++;
	}
	sent(&t, send(t.fd, data, 10, 0), 10);
	received(&t, recv(t.fd, data, KIB, MSG_PEEK));
	t.rx = 0;
	received(&t, recv(t.fd, data, KIB, 0));
	talk_tell(&t);
	close(t.fd);
}

int net_talk(struct ctx *c)
{
	const char *path = arg_str(c, 1, "@talk");

	over_tcp("tcp", V4, 100, 0);
	over_tcp("tcp6", V6, 100, 0);
	over_tcp("slow", V4, 10, 5);
	over_udp(100);
	over_udp_in_batches(10);
	over_unix(path, 100);
	a_file();
	in_vain();
	unlink(path);
	return 0;
}
