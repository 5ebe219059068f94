"""Where the relaying process spends its time: a worker in this process under cProfile, driven by the load client.

usage: python -m bench.profile_worker [WORKLOAD] [--sort cumulative] [--off]

Figures are inflated by the profiler, most for small functions: trust the order, measure the change with `make bench`.
Only the thread of the event loop is profiled.
"""

import argparse
import asyncio
import cProfile
import os
import pstats
import shutil
import subprocess
import sys
from dataclasses import replace

import uvloop

from bench.lab import LAB, places, prepare
from bench.upstreams import upstream
from bench.workloads import workloads
from proxy.child import collect_seldom
from proxy.config.builtin import BUILTIN
from proxy.config.model import Config, Store
from proxy.worker import Worker
from tests.house import listening


async def _serve(config: Config, command: list[str], profile: cProfile.Profile | None, tools: set[int]) -> int:
    worker = Worker(config)
    sock = listening()
    await worker.start([sock])
    command = [*command, "-p", str(sock.getsockname()[1]), "-u", "/openai/v1/chat/completions"]
    if profile is not None:
        profile.enable()
    client = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, tools)
    )
    said, _ = await client.communicate()
    if profile is not None:
        profile.disable()
    print(said.decode().strip()[:200])
    await worker.stop()
    return client.returncode or 0


def main() -> int:
    """The exit status."""
    by_name = {one.name: one for one in workloads(quick=False)}
    parser = argparse.ArgumentParser(prog="python -m bench.profile_worker", description=__doc__.partition("\n")[0])
    parser.add_argument("workload", nargs="?", default="json-c32", choices=by_name)
    parser.add_argument("--sort", default="tottime", choices=("tottime", "cumulative", "ncalls"))
    parser.add_argument("--lines", type=int, default=45)
    parser.add_argument("--off", action="store_true", help="without the profiler, for one from outside such as perf")
    options = parser.parse_args()
    tools = prepare()
    for_tools, for_subject = places()
    workload = by_name[options.workload]
    os.sched_setaffinity(0, for_subject)
    data_dir = LAB / "profile"
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir()
    profile = None if options.off else cProfile.Profile()
    command = [str(tools.client), *workload.arguments()]
    with upstream(tools, for_tools) as behind:
        os.environ |= behind.trusted()
        base_url = f"https://127.0.0.1:{behind.tls_port}" if workload.by_tls else f"http://127.0.0.1:{behind.port}"
        upstreams = {name: replace(one, base_url=base_url) for name, one in BUILTIN.items()}
        config = Config(upstreams=upstreams, store=Store(data_dir=data_dir))
        collect_seldom()
        try:
            status = uvloop.run(_serve(config, command, profile, for_tools))
        finally:
            shutil.rmtree(data_dir, ignore_errors=True)
    if profile is not None:
        pstats.Stats(profile).strip_dirs().sort_stats(options.sort).print_stats(options.lines)
    return status


if __name__ == "__main__":
    sys.exit(main())
