"""Runs the benchmarks named on the command line, all without names; one JSON line each."""

import asyncio
import sys

from benchmarks.backfill import backfill_decode, backfill_decode_apply
from benchmarks.backrun import backrun
from benchmarks.burst import burst, burst_20, burst_200, burst_thin
from benchmarks.executor_gas import executor_gas
from benchmarks.health_exact import health_exact
from benchmarks.plan_burst import plan_burst
from benchmarks.rpc import rpc_batched
from benchmarks.tick_to_signed import tick_to_signed

BENCHMARKS = {
    benchmark.__name__: benchmark
    for benchmark in (
        health_exact,
        plan_burst,
        executor_gas,
        rpc_batched,
        backfill_decode,
        backfill_decode_apply,
        backrun,
        tick_to_signed,
        burst,
        burst_20,
        burst_200,
        burst_thin,
    )
}
ALL = [name for name in BENCHMARKS if name not in {"burst_20", "burst_200"}]
"""Without those that are part of another one."""


async def run(names: list[str]) -> int:
    """Exit code: 2 for a name that is no benchmark's."""
    unknown = sorted(set(names) - BENCHMARKS.keys())
    if unknown:
        sys.stderr.write(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}\n")
        return 2
    for name in names or ALL:
        found = await BENCHMARKS[name]()
        for measurement in found if isinstance(found, list) else [found]:
            sys.stdout.write(measurement.line() + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1:])))
