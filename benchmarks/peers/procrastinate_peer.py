"""Procrastinate. docs/benchmarks.md says where its settings are from."""

import asyncio

import measure
import procrastinate

CONCURRENCY = 30

given = measure.arguments()
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=given.database, max_size=CONCURRENCY + 1))


@app.task(name="no_operation")
async def no_operation(number):
    measure.mark(number)


def produce():
    with app.replace_connector(procrastinate.SyncPsycopgConnector(conninfo=given.database)), app.open():
        app.schema_manager.apply_schema()
        measure.measure(
            given,
            lambda numbers: no_operation.batch_defer(*({"number": number} for number in numbers)),
            lambda number: no_operation.defer(number=number),
            settle=lambda: measure.vacuum(given.database),
        )


async def work():
    async with app.open_async():
        await app.run_worker_async(concurrency=CONCURRENCY, delete_jobs="successful")


if __name__ == "__main__":
    asyncio.run(work()) if measure.is_worker() else produce()
