# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Programs to trace. Each knows what it did; starting one calls nothing that a sample counts."""

import sys

BEGIN = """
import ctypes, os, select, sys, time
null = os.open("/dev/null", os.O_WRONLY)
libc = ctypes.CDLL(None)
def name(comm):
    libc.prctl(15, comm.encode(), 0, 0, 0)
"""


def python(script, *args):
    return [sys.executable, "-S", "-E", "-c", BEGIN + script, *map(str, args)]


PARENTS = """
for i in range(1000):
    os.getppid()
    if i % 2:
        os.umask(0o22)
"""

# 250 writes of 1000 to 1249 bytes, and 7 that fail.
WRITES = """
for i in range(250):
    os.write(null, bytes(1000 + i))
for i in range(7):
    try:
        os.write(999, b"x")
    except OSError:
        pass
"""

# As many one-byte writes as fit the time, by two processes of two threads. Each process leaves its
# own count in a file named after it, not by write().
BUSY = """
import threading
counts = [0, 0]
child = os.fork()
def work(i):
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        for _ in range(100):
            os.write(null, b"x")
        counts[i] += 100
threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
for t in threads: t.start()
for t in threads: t.join()
left = os.open("%s/%d" % (sys.argv[2], os.getpid()), os.O_WRONLY | os.O_CREAT)
os.pwrite(left, str(sum(counts)).encode(), 0)
if child:
    os.wait()
"""

# Three names with 10, 30 and 20 writes.
NAMED = """
for comm, n in (("alpha", 10), ("beta", 30), ("gamma", 20)):
    name(comm)
    for i in range(n):
        os.write(null, bytes(100))
"""

# 30 writes of 100 bytes and 30 of 5000; 1, 2 ... 20 getppid() under as many names.
TABLES = """
for size in (100, 5000):
    for i in range(30):
        os.write(null, bytes(size))
for n in range(1, 21):
    name("n%d" % n)
    for i in range(n):
        os.getppid()
"""

# A write under each of so many names, with so many seconds between two.
MANY = """
for i in range(int(sys.argv[1])):
    name("n%d" % i)
    os.write(null, b"x")
    if sys.argv[2:]:
        time.sleep(float(sys.argv[2]))
"""

# A write every so many seconds, so often.
STEADY = """
for i in range(int(sys.argv[2])):
    os.write(null, b"x")
    time.sleep(float(sys.argv[1]))
"""

# Writes of every given size.
SIZES = """
for size in sys.argv[1:]:
    os.write(null, bytes(int(size)))
"""

# 50 sleeps and 20 time-outs of select().
BLOCKED = """
for i in range(50):
    time.sleep(0.002)
for i in range(20):
    select.select([], [], [], 0.002)
"""
