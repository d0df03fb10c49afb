# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""NFS over loopback: the guest's kernel is server and client at once, without any daemon.

What rpc.mountd would answer is written into the server's caches beforehand: who 127.0.0.1 is, what
it may see, and that the file handle of the root is the directory's. NFS 4 asks for nothing else.
"""

import contextlib

from disks import ok

FOR_EVER = 2147483647
EXPORT_FLAGS = 0x2 | 0x400 | 0x2000  # insecure port, no subtree check, fsid
ASYNC = 0x10  # it answers before anything is on the disk
SERVE = r"""set -e
ip link set lo up
mkdir -p "$1" "$2" /var/lib/nfs/v4recovery
[ -e /proc/fs/nfsd/threads ] || mount -t nfsd nfsd /proc/fs/nfsd
echo "nfsd 127.0.0.1 {end} *" >/proc/net/rpc/auth.unix.ip/channel
echo "* $1 {end} {flags} 65534 65534 0" >/proc/net/rpc/nfsd.export/channel
printf '* 1 \\x00000000 %s %s\n' {end} "$1" >/proc/net/rpc/nfsd.fh/channel
cd /proc/fs/nfsd
echo 10 >nfsv4gracetime
echo "-2 -3" >versions
echo "tcp 2049" >portlist
echo 2 >threads
# where no client is remembered, opens wait for the ten seconds in which old ones may come back
echo Y >v4_end_grace || true
mount -t nfs4 -o vers=4.2,addr=127.0.0.1,clientaddr=127.0.0.1 127.0.0.1:/ "$2"
"""


@contextlib.contextmanager
def nfs_mounted(host, served, where, flags=ASYNC):
    """The directory served, at where, by way of the network."""
    for module in ("nfsd", "nfsv4"):
        host.modprobe(module)
    ok(host, "sh", "-c", SERVE.format(end=FOR_EVER, flags=EXPORT_FLAGS | flags), "sh", served, where)
    try:
        yield where
    finally:
        ok(host, "umount", where)
        ok(host, "sh", "-c", "echo 0 >/proc/fs/nfsd/threads")
