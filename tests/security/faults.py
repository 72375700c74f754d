"""Faults at system calls, by `strace`: a child works under it, and call number so-and-so fails or kills."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

# What touches files, other processes and the net. Memory, locks and clocks are left alone: to them a fault is none.
CALLS = (
    "accept,accept4,bind,close,connect,fcntl,fdatasync,flock,fstat,fsync,ftruncate,getdents64,getsockopt,ioctl,lseek,"
    "mkdir,mkdirat,newfstatat,open,openat,pipe2,poll,ppoll,pread64,pwrite64,read,readv,recvfrom,recvmsg,rename,renameat,"
    "renameat2,rmdir,sendmsg,sendto,setsockopt,socket,stat,statx,unlink,unlinkat,write,writev,chmod,fchmod,link,linkat"
)
CHANGING = {  # a death at another call is a death at the next of these
    *("bind", "close", "connect", "fdatasync", "flock", "fsync", "ftruncate", "mkdir", "mkdirat", "openat", "pwrite64"),
    *("rename", "renameat", "renameat2", "rmdir", "sendmsg", "sendto", "unlink", "unlinkat", "write", "writev"),
    *("chmod", "fchmod", "link", "linkat"),
}
# A connection that refuses to send is closed, and the next read says so. One that is told to refuse is not, and the
# database's library waits for an answer to what it never sent.
DEAF = {"sendto", "sendmsg"}
KILL, ERROR = "signal=SIGKILL", "error=EIO"
PATIENCE = 30.0  # seconds for a child, which else hangs


def is_possible():
    """Whether processes may be traced here."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, capture_output=True).returncode == 0


def faults(work, folder):
    """Of `work`, as (name, number, how): an error at each system call, and death at each that changes something. From
    one run in which none fails."""
    status, lines = _traced(work, folder, [f"--trace={CALLS}"])
    assert status == 0, lines[-5:]
    most = Counter()
    for (_, name), count in Counter((thread, name) for thread, name, _ in map(_read, lines) if name).items():
        most[name] = max(most[name], count)  # strace counts for each thread
    found = [(name, number) for name in sorted(most) for number in range(1, most[name] + 1)]
    errors = [(*call, ERROR) for call in found if call[0] not in DEAF]
    return errors + [(*call, KILL) for call in found if call[0] in CHANGING]


def disturbed(work, folder, name, number, how):
    """Lets call `number` of `name` in `work` fail or kill. Whether it came to that."""
    _, lines = _traced(work, folder, [f"--trace={name}", f"--inject={name}:{how}:when={number}"])
    return any("(INJECTED)" in line or "killed by SIGKILL" in line for line in lines)


def _end_of(child):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("it hangs")


def _read(line):
    found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed)", line)
    return (found[1], found[2] if found[3] == "(" else None, line) if found else (None, None, line)


def _traced(work, folder, options):
    """The exit status of a child that does `work`, and what strace wrote about it."""
    out = Path(folder) / "strace"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    child = os.fork()
    if child == 0:
        try:
            signal.sigwait({signal.SIGUSR1})  # until it is traced
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    command = ["strace", "-f", "-o", out, *options, "-p", str(child)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracing:
        said = tracing.stderr.readline()
        os.kill(child, signal.SIGUSR1 if "attached" in said else signal.SIGKILL)
        status = _end_of(child)
        assert "attached" in said, said
        tracing.communicate(timeout=PATIENCE)
    return status, out.read_text().splitlines()


def _end_of(child):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("it hangs")


def _read(line):
    found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed)", line)
    return (found[1], found[2] if found[3] == "(" else None, line) if found else (None, None, line)


def _traced(work, folder, options):
    """The exit status of a child that does `work`, and what strace wrote about it."""
    out = Path(folder) / "strace"
    child = os.fork()
    if child == 0:
        try:
            os.kill(os.getpid(), signal.SIGSTOP)  # until it is traced
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    os.waitpid(child, os.WUNTRACED)
    tracing = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", out, *options, "-p", str(child)],
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        while f"TracerPid:\t{tracing.pid}" not in Path(f"/proc/{child}/status").read_text():
            assert tracing.poll() is None, "strace does not trace"
            time.sleep(0.001)
        os.kill(child, signal.SIGCONT)
        status = _end_of(child)
    finally:
        if tracing.poll() is None:
            tracing.wait(20)
    return status, out.read_text().splitlines()
