"""`tollbook demo`: the real proxy and the real store before a sandbox upstream, with two weeks of sample calls behind
them and new ones every second, so that a newcomer without a key sees a full book at once.

Nothing here comes from a model or leaves the machine. Past calls enter through the journal, as if a worker had noted
them at their time, and the addresses are told once the book has them. It is in a directory of its own, made anew at
each start: the one that was named for it, else one beside the real one.
"""

import asyncio
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from proxy import log as logged
from proxy.config.budget import Budget
from proxy.config.model import Config, Group
from proxy.journal.directory import claim, held, new_boot_id
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from proxy.keys.fingerprint import fingerprint
from proxy.keys.register import Register
from proxy.parent import LOCK, CannotStart, Parent, run, until_stopped
from proxy.sandbox.mark import MARK, demo_beside, mark, marked
from proxy.sandbox.past import past_exchanges
from proxy.sandbox.playing import play
from proxy.sandbox.server import serve
from proxy.sandbox.traffic import GROUPS, HABITS, NAMED, live_calls

_SEED = 7
_DIALECTS = ("openai", "anthropic", "gemini")
_LOOK_S = 0.02
_LOOKS = 1500  # half a minute: a book that takes longer is shown as it fills


def demo(config: Config, *, named: bool) -> int:
    """Serve the demo until Ctrl-C: the exit status. `named`: the data directory is meant for it."""
    own = config.store.data_dir
    return until_stopped(_demo(config, own if named else demo_beside(own)))


async def _demo(config: Config, data_dir: Path) -> None:
    os.umask(0o077)
    logged.begin("parent", config)
    _make_anew(data_dir)
    register = Register(data_dir)
    for credential, (name, group) in NAMED.items():
        register.name(fingerprint(credential), name, group)
    past, journal = await _note_the_past(data_dir)
    async with serve(habits=HABITS) as sandbox:
        upstreams = {name: replace(config.upstreams[name], base_url=sandbox, api_key=None) for name in _DIALECTS}
        groups = {
            name: Group(name, Decimal(ratio), (Budget(Decimal(monthly), "month"),))
            for name, (ratio, monthly) in GROUPS.items()
        }
        store = replace(config.store, data_dir=data_dir)
        config = replace(config, store=store, upstreams=upstreams, groups=groups, sandbox=True)

        async def show(parent: Parent) -> None:
            await _gone(journal)
            print(  # noqa: T201
                f"A SANDBOX with {past} sample calls: no model answers here, nothing leaves this machine.\n"
                f"Tollbook relays calls on  http://{parent.proxy_address}  (to a built-in fake of three model APIs)\n"
                f"and answers questions on  http://{parent.dashboard_address}\n"
                f"Try:  tollbook logs --data-dir {data_dir}",
                flush=True,
            )
            await play(f"http://{parent.proxy_address}", live_calls(_SEED))

        await run(config, _say_nothing_yet, show)


def _say_nothing_yet(_: Parent) -> None:
    pass


def _make_anew(data_dir: Path) -> None:
    """Empty the last demo's directory, or make one; touch nothing that a demo did not make."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = list(data_dir.iterdir())
        if there:
            if not marked(data_dir):
                raise CannotStart(f"{data_dir} is not the directory of a demo; choose another with --data-dir")
            _must_be_idle(data_dir)
        for one in there:
            if one.name == MARK:  # it stays: what is left, should this be cut short, is a demo's still
                continue
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one)
            else:
                one.unlink()
        data_dir.chmod(0o700)
        mark(data_dir)
    except OSError as error:
        raise CannotStart(f"{data_dir} is not writable: {error.strerror}") from error


def _must_be_idle(data_dir: Path) -> None:
    if held(data_dir / LOCK):
        raise CannotStart(f"{data_dir} is in use by another demo")


async def _note_the_past(data_dir: Path) -> tuple[int, Path]:
    """Write the notes of the sample calls, as a worker that is gone by now. Returns how many calls, and where."""
    boot_id = new_boot_id()
    tally = Tally(data_dir, boot_id)
    directory = claim(data_dir, boot_id)
    journal = Journal(directory, tally)
    for call in past_exchanges(_SEED, datetime.now(UTC)):
        tally.count("received")
        for note in (call.started, call.asked, call.ended):
            if note is not None:
                journal.put(note)
        tally.count("ended")
    await journal.close()
    count = tally["received"]
    tally.close()
    directory.release()
    return count, directory.path


async def _gone(journal: Path) -> None:
    """Wait until the store drops this journal, which it does once all of it is in the book."""
    for _ in range(_LOOKS):
        if not await asyncio.to_thread(journal.exists):
            return
        await asyncio.sleep(_LOOK_S)
