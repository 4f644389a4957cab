"""Celery with a Redis of its own. docs/benchmarks.md says where its settings are from."""

import os
import tempfile
import time
from contextlib import contextmanager

import celery
import measure

given = measure.arguments()
app = celery.Celery("peer", broker=os.environ.get("PEER_BROKER"))
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=128)


@app.task(name="no_operation")
def no_operation(number):
    measure.mark(number)


@contextmanager
def redis():
    """On a Unix socket in a temporary directory; yields the broker's URL."""
    with tempfile.TemporaryDirectory() as directory:
        socket = f"{directory}/socket"
        place = ["--port", "0", "--unixsocket", socket, "--dir", directory]
        durable = ["--appendonly", "yes", "--appendfsync", "everysec"]
        server = measure.started(["redis-server", *place, *durable])
        try:
            while not os.path.exists(socket):
                if server.poll() is not None:
                    raise SystemExit(f"redis-server ended with status {server.returncode}")
                time.sleep(0.01)
            yield f"redis+socket://{socket}"
        finally:
            measure.ended(server)


def enqueue_all(numbers):
    with app.producer_pool.acquire(block=True) as producer:
        for number in numbers:
            no_operation.apply_async((number,), producer=producer)


def produce():
    with redis() as broker:
        os.environ["PEER_BROKER"] = app.conf.broker_url = broker
        measure.measure(given, enqueue_all, no_operation.delay)


if __name__ == "__main__":
    app.worker_main(["worker", "--loglevel=ERROR"]) if measure.is_worker() else produce()
