/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files, paths and mappings: a part of types.bpf.h. */
#ifndef IOSONDE_TYPES_FILE_BPF_H
#define IOSONDE_TYPES_FILE_BPF_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

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

#pragma clang attribute pop

#endif
