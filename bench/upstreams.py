"""What stands behind every subject: the fake model API, and the same again behind TLS."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.lab import HERE, LAB, Tools, free_port


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where it listens on the loopback; `tls_port` is None where nginx or openssl is missing."""

    port: int
    tls_port: int | None = None
    certificate: Path | None = None

    def trusted(self) -> dict[str, str]:
        """What a program's environment needs to believe the certificate."""
        return {} if self.certificate is None else {"SSL_CERT_FILE": str(self.certificate)}


@contextmanager
def upstream(tools: Tools, processors: set[int]) -> Iterator[Upstream]:
    """Both of them, on these processors, for as long as the block lasts."""
    port = free_port()
    running = [_start([str(tools.upstream), str(port)], processors)]
    try:
        certificate = _certificate() if tools.nginx is not None else None
        tls_port = None
        if certificate is not None:
            tls_port = free_port()
            running.append(_start([str(tools.nginx), *_tls_front(certificate, tls_port, port)], processors))
        time.sleep(0.3)
        yield Upstream(port, tls_port, certificate)
    finally:
        for one in reversed(running):
            one.terminate()
            one.wait()


def _start(command: list[str], processors: set[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, processors))


def _certificate() -> Path | None:
    """For 127.0.0.1, signed by itself; None where there is no openssl."""
    made, openssl = LAB / "certificate.pem", shutil.which("openssl")
    if openssl is None:
        return None
    command = [
        openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(LAB / "key.pem"), "-out", str(made),
    ]  # fmt: skip
    return made if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


def _tls_front(certificate: Path, port: int, behind: int) -> list[str]:
    """Arguments for nginx."""
    run = LAB / "tls"
    run.mkdir(exist_ok=True)
    text = (HERE / "tls.conf.in").read_text()
    for word, value in {
        "@RUN@": str(run), "@UP@": str(behind), "@PORT@": str(port),
        "@CERTIFICATE@": str(certificate), "@KEY@": str(certificate.with_name("key.pem")),
    }.items():  # fmt: skip
        text = text.replace(word, value)
    (run / "nginx.conf").write_text(text)
    return ["-p", str(run), "-c", str(run / "nginx.conf")]
