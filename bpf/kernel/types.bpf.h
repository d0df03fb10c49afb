/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel types that iosonde reads, each with just the fields in use. CO-RE moves every access
 * to where the running kernel keeps the field, but copies the size declared *here*: tests compare
 * name, size and signedness of each field with the BTF of every supported kernel. A field whose
 * shape changed between kernels has a flavour (struct name___since) and an accessor in
 * compat.bpf.h, never two meanings under one name.
 */
#ifndef IOSONDE_TYPES_BPF_H
#define IOSONDE_TYPES_BPF_H

#include <linux/bpf.h>

#include "bpf/shared.h"

typedef __u8 u8;
typedef __s8 s8;
typedef __u16 u16;
typedef __s16 s16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;
typedef _Bool bool;
enum { false = 0, true = 1 };
#define NULL ((void *)0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* --- tasks --- */
typedef struct {
	unsigned int val;
} kuid_t;

struct thread_info {
	unsigned long flags;
	unsigned int status; /* TS_COMPAT; x86 */
};

struct cred {
	kuid_t uid;
};

struct ns_common {
	unsigned int inum;
};

/* 6.18 keeps here what mount namespaces had as seq. */
struct ns_common___since_v6_18 {
	u64 ns_id;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct mnt_namespace {
	struct ns_common ns;
};

struct mnt_namespace___pre_v6_18 {
	u64 seq;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

typedef struct {
	s64 counter;
} atomic64_t;

struct kioctx_table;

struct mm_struct {
	unsigned long start_code;
	unsigned long end_code;
	unsigned long start_stack;
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_end;
	struct file *exe_file;
	struct kioctx_table *ioctx_table;
	atomic64_t pgtables_bytes;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

struct sigaction {
	void *sa_handler;
	unsigned long sa_flags;
};

struct k_sigaction {
	struct sigaction sa;
};

struct sighand_struct {
	struct k_sigaction action[64];
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	struct sigpending shared_pending;
	short oom_score_adj;
	struct mm_struct *oom_mm;
};

struct seccomp {
	int mode;
};

struct sched_info {
	unsigned long long run_delay;
};

struct rq {
	int cpu;
};

struct cfs_rq {
	struct rq *rq; /* CONFIG_FAIR_GROUP_SCHED, as the way here */
};

struct sched_entity {
	u64 sum_exec_runtime;
	struct cfs_rq *cfs_rq;
};

struct task_io_accounting {
	u64 rchar;
	u64 wchar;
	u64 syscr;
	u64 syscw;
	u64 read_bytes;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	void *stack;
	int prio;
	int pid;
	int tgid;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	int exit_code;
	u64 start_time;
	const struct cred *cred;
	char comm[COMM_LEN];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	sigset_t blocked;
	struct sigpending pending;
	unsigned int ptrace;
	struct seccomp seccomp;
	struct css_set *cgroups;
	unsigned long nvcsw;
	unsigned long nivcsw;
	unsigned long maj_flt;
	struct sched_entity se;
	struct sched_info sched_info;
	struct bio_list *bio_list;
	struct task_io_accounting ioac;
	int pagefault_disabled;
};

/* --- what classic tracepoints pass: include/trace/events/ --- */
struct trace_entry {
	int pid;
};

struct trace_event_raw_task_newtask {
	struct trace_entry ent;
	int pid;
	unsigned long clone_flags;
};

struct trace_event_raw_mm_vmscan_direct_reclaim_begin_template {
	struct trace_entry ent;
	int order;
};

struct trace_event_raw_mm_vmscan_node_reclaim_begin {
	struct trace_entry ent;
	int order;
};

struct trace_event_raw_mm_vmscan_direct_reclaim_end_template {
	struct trace_entry ent;
	unsigned long nr_reclaimed;
};

struct trace_event_raw_sys_enter {
	struct trace_entry ent;
	long id;
};

struct trace_event_raw_sys_exit {
	struct trace_entry ent;
	long id;
	long ret;
};

/* --- cgroups --- */
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct kernfs_node {
	u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	int level;
	struct cgroup_root *root;
};

enum cgroup_subsys_id {
	memory_cgrp_id = 4,
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[1];
};

/* The numbers are those of the kernel that runs. */
enum vm_event_item {
	PSWPIN = 2,
	PSWPOUT = 3,
};

enum node_stat_item {
	WORKINGSET_REFAULT_ANON = 10,
	WORKINGSET_REFAULT_FILE = 11,
	PGSTEAL_DIRECT = 12,
};

struct page_counter {
	atomic64_t usage;
	unsigned long high;
	unsigned long max;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	union {
		struct page_counter swap;  /* v2 */
		struct page_counter memsw; /* v1: both */
	};
};

struct kmem_cache {
	const char *name;
	unsigned int size;
};

/* --- files and paths --- */
struct qstr {
	const unsigned char *name;
};

struct list_head {
	struct list_head *next; /* any pointer in memory: see file_of_fd() */
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct dentry {
	unsigned int d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct file_ra_state {
	unsigned int size;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct mnt_namespace *mnt_ns;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct nameidata {
	struct path path;
	struct qstr last;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_flags;
	unsigned long s_magic;
	struct file_system_type *s_type;
	struct dentry *s_root;
	struct block_device *s_bdev;
};

struct inode {
	unsigned short i_mode;
	unsigned int i_flags;
	struct super_block *i_sb;
	unsigned long i_ino;
	s64 i_size;
	u8 i_blkbits;
	unsigned int i_generation;
	unsigned int i_nlink;
	struct hlist_head i_dentry;
};

struct xarray {
	void *xa_head;
};

struct xa_node {
	unsigned char shift;
	void *slots[64]; /* XA_CHUNK_SIZE */
};

struct address_space {
	struct inode *host;
	struct xarray i_pages;
};

struct file_operations {
	void *read_iter; /* pointers to functions */
	void *write_iter;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	const struct file_operations *f_op;
	unsigned int f_flags;
	unsigned int f_mode;
	s64 f_pos;
	void *private_data;
	struct address_space *f_mapping;
};

/* 6.8: of a file that lies below overlayfs, the path that it was opened by. */
struct backing_file___since_v6_8 {
	struct file file;
	struct path user_path;
};

/* --- mappings --- */
struct bpf_perf_event_data {
	u64 addr;
};

struct rb_node {
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct maple_tree {
	void *ma_root;
};

struct maple_range_64___since_v6_1 {
	unsigned long pivot[15];
	void *slot[16];
};

struct maple_arange_64___since_v6_1 {
	unsigned long pivot[9];
	void *slot[10];
};

/* Up to 6.0 mappings are in a tree by address, then in a maple tree. */
struct mm_struct___pre_v6_1 {
	struct rb_root mm_rb;
};

struct mm_struct___since_v6_1 {
	struct maple_tree mm_mt;
};

struct vm_area_struct___pre_v6_1 {
	struct rb_node vm_rb;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_pgoff;
	struct file *vm_file;
};

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long pgoff;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
	struct file *fd_array[64];
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct filename {
	const char *name;
};

/* --- block layer --- */
struct bvec_iter {
	u64 bi_sector;
	unsigned int bi_size;
	unsigned int bi_idx;
	unsigned int bi_bvec_done;
};

struct bio_vec {
	struct page *bv_page;
	unsigned int bv_len;
	unsigned int bv_offset;
};

struct request_queue {
	const struct blk_mq_ops *mq_ops;
};

struct gendisk {
	int major;
	int first_minor;
	struct request_queue *queue;
};

struct block_device {
	unsigned int bd_dev;
	struct gendisk *bd_disk;
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bio {
	struct bio *bi_next;
	unsigned int bi_opf;
	unsigned short bi_flags;
	u8 bi_status;
	struct bvec_iter bi_iter;
	void *bi_private;
	struct blkcg_gq *bi_blkg;
	struct bio_vec *bi_io_vec;
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	u64 __sector;
	struct bio *bio;
	struct bio *biotail;
	void *end_io;
};

/* --- page cache and direct I/O --- */
struct page {
	struct address_space *mapping;
	unsigned long private;
};

struct iomap_dio {
	struct kiocb *iocb;
	bool wait_for_completion;
	struct {
		struct task_struct *waiter;
	} submit;
};

/* That of filesystems which don't use iomap's. */
struct dio___if_built {
	struct kiocb *iocb;
};

/* Of a block device itself: around its first bio. */
struct blkdev_dio {
	struct kiocb *iocb;
	struct bio bio;
};

/* --- io_uring --- */
struct io_ring_ctx;

struct open_how {
	u64 flags;
	u64 mode;
	u64 resolve;
};

struct io_open {
	int dfd;
	u32 file_slot;
	struct open_how how;
};

/* Requests that remove or change names; the names are in compat.bpf.h. */
struct io_unlink {
	int dfd;
	int flags;
};

struct io_rename {
	int old_dfd;
	int new_dfd;
	int flags;
};

struct io_uring_cqe {
	s32 res;
};

struct io_sync {
	s64 len;
	int flags;
};

struct io_wq_work_node {
	struct io_wq_work_node *next;
};

struct io_wq_work {
	struct io_wq_work_node list;
};

struct io_kiocb {
	struct file *file;
	u8 opcode;
	struct io_wq_work work;
};

/* A thread of io_uring's has it in worker_private. */
struct task_struct___since_v5_17 {
	void *worker_private;
};

struct io_worker {
	struct io_wq_work *cur_work;
};

struct kiocb {
	struct file *ki_filp;
	s64 ki_pos;
	int ki_flags;
};

struct io_event {
	u64 data;
	u64 obj;
	s64 res;
};

struct kioctx {
	unsigned long user_id; /* what io_setup() gave */
};

/* Of a process: its contexts of libaio by the number in the memory that they share with it. */
struct kioctx_table {
	unsigned int nr;
	struct kioctx *table[1];
};

struct aio_kiocb {
	struct file *ki_filp;
	struct kioctx *ki_ctx;
	struct io_event ki_res;
};

struct io_rw {
	struct kiocb kiocb;
	u64 addr;
};

/* --- network --- */
struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	u32 skc_daddr; /* these two and the port in network order */
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
};

struct sock {
	struct sock_common __sk_common;
	int sk_err;
	u16 sk_protocol;
	struct pid *sk_peer_pid;
};

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct inet_sock {
	u16 inet_sport; /* in network order; stays when the port is given back */
};

struct inet_connection_sock {
	u8 icsk_ca_state : 5;
	u8 icsk_pending;
};

struct tcp_sock {
	u32 segs_out;
	u32 snd_una;
	u32 write_seq;
	u64 bytes_acked;
	u64 bytes_received;
};

struct request_sock {
	struct sock_common __req_common;
};

struct tcp_skb_cb {
	u32 seq;
	u16 tcp_gso_segs;
};

struct sk_buff {
	char cb[48];
};

typedef enum {
	SS_UNCONNECTED = 1,
} socket_state;

struct socket {
	socket_state state;
	struct sock *sk;
};

struct trace_event_raw_inet_sock_set_state {
	struct trace_entry ent;
	const void *skaddr;
	int oldstate;
	int newstate;
};

struct trace_event_raw_tcp_event_sk {
	struct trace_entry ent;
	const void *skaddr;
};

/* --- iterators --- */
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

/* --- registers --- */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bp;
	unsigned long bx;
	unsigned long r11;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs { /* as libbpf's macros for kprobes take it */
	u64 regs[31];
	u64 sp;
	u64 pc;
};

struct pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 orig_x0;
	s32 syscallno;
};
#endif

#pragma clang attribute pop

/* Values of the kernel's that aren't in BTF. */
#define TS_COMPAT	     0x0002 /* arch/x86/include/asm/thread_info.h */
#define REQ_OP_MASK	     0xffU  /* include/linux/blk_types.h */
#define REQ_OP_READ	     0
#define REQ_OP_WRITE	     1
#define REQ_OP_FLUSH	     2
#define REQ_OP_DISCARD	     3
#define REQ_OP_SECURE_ERASE  5
#define REQ_OP_WRITE_ZEROES  9
#define REQ_OP_PASSTHROUGH   32 /* a driver's own, from here on */
#define REQ_SYNC	     (1U << 11)
#define REQ_META	     (1U << 12)
#define REQ_IDLE	     (1U << 15)
#define REQ_FUA		     (1U << 17)
#define REQ_PREFLUSH	     (1U << 18)
#define REQ_RAHEAD	     (1U << 19)
#define IOMAP_WRITE	     (1 << 0) /* include/linux/iomap.h */
#define IOMAP_DIRECT	     (1 << 4)
#define EXT4_SUPER_MAGIC     0xef53 /* include/uapi/linux/magic.h */
#define XFS_SUPER_MAGIC	     0x58465342
#define BTRFS_SUPER_MAGIC    0x9123683E
#define BIO_CLONED_FLAG	     (1U << 1)
#define TASK_DEAD	     0x80 /* include/linux/sched.h */
#define PF_KTHREAD	     0x00200000
#define PF_IO_WORKER	     0x00000010 /* include/linux/sched.h */
#define AT_FDCWD	     -100
#define AT_REMOVEDIR	     0x200
#define FMODE_CREATED	     0x100000U /* include/linux/fs.h: this open made the file */
#define IORING_OP_OPENAT     18	       /* include/uapi/linux/io_uring.h */
#define IORING_OP_OPENAT2    28
#define IPPROTO_TCP	     6
#define IPPROTO_UDP	     17
#define AF_UNSPEC	     0 /* include/linux/socket.h */
#define AF_UNIX		     1
#define AF_INET		     2
#define AF_INET6	     10
#define SOCK_DONE_BIT	     1 /* include/net/sock.h: enum sock_flags; the peer's FIN has come */
#define ICSK_TIME_LOSS_PROBE 5 /* include/net/inet_connection_sock.h */
#define PROC_PID_INIT_INO    0xEFFFFFFCU
#define FMODE_NOACCOUNT	     0x20000000U

#endif
