"""Times whole processes: wall and CPU seconds, and peak memory summed over the process tree.

This module and all that tests/bench/run keeps in its own process stays small (no numpy): a child
inherits the resident size of the process it was forked from as its first peak.
"""
import os
import subprocess
import threading
import time
from dataclasses import dataclass

PAGE = os.sysconf("SC_PAGESIZE")
SAMPLE_SECONDS = 0.02
TIMEOUT_SECONDS = 1800


class Failed(Exception):
    """A program ended with an error; the text is the end of what it printed."""


@dataclass(frozen=True)
class Run:
    wall: float  # seconds
    cpu: float  # seconds, user and system, of all processes of the tree
    memory: float  # MB of 1e6 bytes


def _tree(pid):
    """The process and all its descendants."""
    found, to_do = [], [pid]
    while to_do:
        found.append(to_do.pop())
        try:
            for task in os.listdir(f"/proc/{found[-1]}/task"):
                with open(f"/proc/{found[-1]}/task/{task}/children") as f:
                    to_do += [int(child) for child in f.read().split()]
        except OSError:
            pass  # it has just ended
    return found


def _resident(pid):
    try:
        with open(f"/proc/{pid}/statm") as f:
            return int(f.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


class _MemorySampler(threading.Thread):
    """Follows the sum of the resident sizes of a process tree."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, threading.Event()

    def run(self):
        while not self.over.is_set():
            self.peak = max(self.peak, sum(_resident(p) for p in _tree(self.pid)))
            self.over.wait(SAMPLE_SECONDS)


def measure(command, environment, log, expect="", sync=True):
    """Runs `command` once, its output appended to the file `log`. Throws Failed, also when the text
    `expect` is not in the output. sync: what was written before is not this one's burden."""
    if sync:
        os.sync()
    with open(log, "a+b") as out:
        out.write(("\n$ " + " ".join(command) + "\n").encode())
        out.flush()
        begin = out.tell()
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   env={**os.environ, **environment})
        sampler = _MemorySampler(process.pid)
        sampler.start()
        killer = threading.Timer(TIMEOUT_SECONDS, process.kill)
        killer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # stopped by the user
            process.kill()
            raise
        finally:
            killer.cancel()
            sampler.over.set()
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        sampler.join()
        out.seek(begin)
        text = out.read().decode(errors="replace")
        if process.returncode != 0:
            last = " / ".join(text.strip().splitlines()[-3:])
            raise Failed(f"exit status {process.returncode}: {last}")
        if expect not in text:
            raise Failed(f"'{expect}' is not in what it printed")
    # The largest single process is known exactly; the samples may miss a short peak.
    peak = max(sampler.peak, usage.ru_maxrss * 1024)
    return Run(wall, usage.ru_utime + usage.ru_stime, peak / 1e6)
