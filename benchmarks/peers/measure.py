"""What the peers have in common: a worker in a process of its own, and a file in which handlers note when they started.

Each script has two roles. Without PEER_TALLY it is the producer: it enqueues, starts itself again as the worker, and prints
one JSON object. With it, it is the worker, whose handler calls mark().
"""

import argparse
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

WIDTH = 8
# Opening connections and preparing statements is not what is measured.
WARM_UP = 20
LIMIT_SECONDS = 120


class Tally:
    """Of each job the instant of its start, in ns of the system's monotonic clock; in memory that all processes share."""

    def __init__(self, path, slots=None):
        with open(path, "r+b") as file:
            if slots:
                file.truncate(slots * WIDTH)
            self.memory = mmap.mmap(file.fileno(), 0)

    def mark(self, number):
        struct.pack_into("q", self.memory, number * WIDTH, time.monotonic_ns())

    def start(self, number):
        return struct.unpack_from("q", self.memory, number * WIDTH)[0]

    def wait(self, number, worker):
        deadline = time.monotonic() + LIMIT_SECONDS
        while not self.start(number):
            if worker.poll() is not None:
                sys.exit(f"the worker ended with status {worker.returncode}")
            if time.monotonic() > deadline:
                sys.exit(f"job {number} did not start within {LIMIT_SECONDS} s")
            time.sleep(0.0001)
        return self.start(number)


_tally = None


def is_worker():
    return "PEER_TALLY" in os.environ


def mark(number):
    """What a handler does."""
    global _tally
    if _tally is None:
        _tally = Tally(os.environ["PEER_TALLY"])
    _tally.mark(number)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True, help="libpq connection string of an empty database")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--samples", type=int, required=True)
    return parser.parse_args()


def started(command, **options):
    """A process that does not outlive this one."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=subprocess.DEVNULL, **options)


def ended(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def vacuum(database):
    """As before our own drain: the planner knows how many jobs there are, and no checkpoint is due to the filling."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def measure(given, enqueue_all, enqueue_one, settle=lambda: None):
    """Drains given.jobs that wait, then enqueues given.samples back to back, each when the one before has started."""
    last = given.jobs + WARM_UP + given.samples
    with tempfile.NamedTemporaryFile() as file:
        tally = Tally(file.name, slots=last)
        enqueue_all(range(given.jobs))
        settle()
        worker = started([sys.executable, *sys.argv], env={**os.environ, "PEER_TALLY": file.name})
        try:
            starts = [tally.wait(number, worker) for number in range(given.jobs)]
            time.sleep(1)  # The ends of the last jobs are not the first sample's.
            milliseconds = []
            for number in range(given.jobs, last):
                before = time.monotonic_ns()
                enqueue_one(number)
                milliseconds.append((tally.wait(number, worker) - before) / 1e6)
        finally:
            ended(worker)
    # From the first start to the last: neither how long the worker takes to come up nor its last commits count.
    rate = (given.jobs - 1) / (max(starts) - min(starts)) * 1e9
    json.dump({"jobs_per_second": rate, "latency_milliseconds": milliseconds[WARM_UP:]}, sys.stdout)
