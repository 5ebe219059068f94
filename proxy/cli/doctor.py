"""`tollbook doctor`: what is wrong or risky here, and what to do about it."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.cli.output import readers_may_leave
from proxy.cli.place import place
from proxy.cli.screen import console, folded, print_json, text
from proxy.cli.trouble import FAILED

if TYPE_CHECKING:
    from proxy.cli.checkup.finding import Finding

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON document.")
@place
def doctor(as_json: bool, config: Path | None, data_dir: Path | None) -> int:
    """Look for what is wrong or risky here; changes nothing.

    Exit status 0 when nothing fails, warnings included; 1 otherwise.
    """
    findings = _examine(config, data_dir)
    with readers_may_leave():
        if as_json:
            print_json({"findings": [dataclasses.asdict(finding) for finding in findings]})
        else:
            _print(findings)
    return FAILED if any(finding.level == "fail" for finding in findings) else 0


def _examine(path: Path | None, data_dir: Path | None) -> "list[Finding]":
    from proxy.cli.checkup.anomalies import anomalies
    from proxy.cli.checkup.book import book
    from proxy.cli.checkup.config import examined
    from proxy.cli.checkup.engines import engines
    from proxy.cli.checkup.errands import errands
    from proxy.cli.checkup.files import files
    from proxy.cli.checkup.open_files import open_files
    from proxy.cli.checkup.prices import prices, without_a_list
    from proxy.cli.checkup.running import is_running, running

    findings, config = examined(path, data_dir)
    findings += engines()
    findings += prices()
    if config is not None:
        findings += without_a_list(config)
        findings += files(config.store.data_dir)
        findings.append(open_files(config.proxy))
        findings += book(config)
        findings += anomalies(config.store.data_dir)
        findings += running(config)
        if is_running(config.store.data_dir):
            findings += errands(config.store.data_dir)
    return findings


def _print(findings: "list[Finding]") -> None:
    out = console()
    size = max(len(finding.check) for finding in findings)
    for finding in findings:
        line = text(f"{finding.level:<4}", _STYLES[finding.level])
        line.append(f"  {finding.check:<{size}}  ", "dim")
        message, *more = folded(finding.message, size + 8)
        out.print(line + text(message), soft_wrap=True)
        for rest in more:
            out.print(text(" " * (size + 8) + rest), soft_wrap=True)
        for place_, rest in enumerate(folded(finding.next or "", size + 10)):
            out.print(text(" " * (size + 8) + ("  " if place_ else "→ ") + rest, "dim"), soft_wrap=True)
    levels = [finding.level for finding in findings]
    out.print()
    if levels.count("ok") == len(levels):
        out.print(text("All is well."))
    else:
        out.print(text(f"{levels.count('fail')} failed, {levels.count('warn')} to look at."))
