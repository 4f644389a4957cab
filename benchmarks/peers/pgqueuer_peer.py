"""PgQueuer. docs/benchmarks.md says where its settings are from."""

import asyncio
from urllib.parse import urlencode

import asyncpg
import measure
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from psycopg.conninfo import conninfo_to_dict

MANAGERS = 5
BATCH = 100

given = measure.arguments()


async def connect():
    # asyncpg reads no connection strings of libpq's own form.
    return AsyncpgDriver(await asyncpg.connect("postgresql://?" + urlencode(conninfo_to_dict(given.database))))


async def work():
    managers = [PgQueuer(await connect()) for _ in range(MANAGERS)]
    for manager in managers:

        @manager.entrypoint("no_operation")
        async def no_operation(job):
            measure.mark(int(job.payload))

    await asyncio.gather(*(manager.run(batch_size=BATCH) for manager in managers))


def produce():
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        queries = Queries(runner.run(connect()))
        runner.run(queries.install())
        runner.run(queries.optimize_autovacuum())

        def enqueue_all(numbers):
            payloads = [str(number).encode() for number in numbers]
            count = len(payloads)
            runner.run(queries.enqueue(["no_operation"] * count, payloads, [0] * count))

        measure.measure(
            given,
            enqueue_all,
            lambda number: runner.run(queries.enqueue("no_operation", str(number).encode())),
            settle=lambda: measure.vacuum(given.database),
        )


if __name__ == "__main__":
    uvloop.run(work()) if measure.is_worker() else produce()
