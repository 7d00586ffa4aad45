"""A MariaDB server of one's own: any user may start it, on a free port, in a folder that goes with it.

Run as a program it says what is not installed, and ends with 1 where anything is.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql

WITHOUT = "NOT RUN AGAINST A REAL DATABASE: `make database` installs MariaDB"
PROGRAMS = ("mariadbd", "mariadb-install-db", "openssl")

_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/opt/homebrew/bin"])
_STARTS, _START_SECONDS, _STOP_SECONDS = 3, 60, 30


@dataclass(frozen=True)
class Server:
    """A server that runs. ``authority`` is the certificate to trust where it speaks TLS; the server's own is for
    ``localhost`` alone."""

    port: int
    socket: Path
    authority: Path | None

    def run(self, *statements: str, **values: str) -> None:
        """As its administrator. ``%(name)s`` in a statement stands for a value."""
        with socket.socket(socket.AF_UNIX) as link:  # PyMySQL would leave its own open where nobody answers yet
            link.connect(str(self.socket))
            root = pymysql.Connection(user="root", autocommit=True, ssl_disabled=True, defer_connect=True)
            root.connect(link)
            with root, root.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement, values or None)

    def admit(self, user: str, password: str, database: str) -> None:
        """Let a user into a database, which is made where it is missing; again for another password."""
        self.run(
            f"CREATE DATABASE IF NOT EXISTS `{database}`",
            "CREATE OR REPLACE USER %(user)s IDENTIFIED BY %(password)s",
            f"GRANT SELECT ON `{database}`.* TO %(user)s",
            user=user,
            password=password,
        )


def missing() -> list[str]:
    """The programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]


@contextmanager
def mariadb(*, tls: bool = False) -> Iterator[Server]:
    """A server that is up, stopped in the end. Raises ``RuntimeError`` with its log where it does not start."""
    with tempfile.TemporaryDirectory(prefix="mariadb-", dir="/tmp") as name:  # sockets have short paths
        folder = Path(name)
        data = folder / "data"
        _done(
            "mariadb-install-db",
            f"--datadir={data}",
            f"--tmpdir={folder}",  # one that others use as well is tidied by each of them
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        authority = _certified(folder) if tls else None
        process, server = _started(folder, authority)
        try:
            yield server
        finally:
            _stop(process)


def _started(folder: Path, authority: Path | None) -> tuple[subprocess.Popen[bytes], Server]:
    for _ in range(_STARTS):  # somebody else may take the port before the server does
        server = Server(_free_port(), folder / "socket", authority)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                _command(folder, server),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_ends_with_us if sys.platform == "linux" else None,
            )
        try:
            if _answers(process, server):
                return process, server
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    raise RuntimeError((folder / "log").read_text("utf-8", "replace"))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ends_with_us() -> None:
    """In the child: to be told to end when its parent is gone, however that came."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


_PR_SET_PDEATHSIG = 1


def _command(folder: Path, server: Server) -> list[str]:
    tls = ("cert", "key") if server.authority else ()
    return [
        _program("mariadbd"),
        "--no-defaults",
        *_as_whom(),
        f"--datadir={folder / 'data'}",
        f"--tmpdir={folder}",
        f"--socket={server.socket}",
        f"--pid-file={folder / 'pid'}",
        f"--port={server.port}",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--innodb-buffer-pool-size=8M",
        "--innodb-flush-log-at-trx-commit=0",
        *([f"--ssl-{part}={folder / part}.pem" for part in tls] or ["--skip-ssl"]),
    ]


def _answers(process: subprocess.Popen[bytes], server: Server) -> bool:
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            server.run("SELECT 1")
            return True
        except (OSError, pymysql.MySQLError):
            time.sleep(0.05)
    return False


def _certified(folder: Path) -> Path:
    """An authority, and a certificate of its for ``localhost``; returns the former."""
    authority, extensions = folder / "ca.pem", folder / "extensions"
    extensions.write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n", "utf-8")
    new = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    _done(
        "openssl", "req", "-x509", *new, "-keyout", folder / "ca-key.pem", "-out", authority, "-subj", "/CN=authority"
    )
    request = ("-keyout", folder / "key.pem", "-out", folder / "request.pem", "-subj", "/CN=localhost")
    _done("openssl", "req", *new[:3], *request)
    signing = ("-CA", authority, "-CAkey", folder / "ca-key.pem", "-CAcreateserial", "-days", "2")
    _done("openssl", "x509", "-req", "-in", folder / "request.pem", *signing, "-extfile", extensions,
          "-out", folder / "cert.pem")  # fmt: skip
    return authority


def _done(name: str, *arguments: str | Path) -> None:
    more: Sequence[str] = ("--no-defaults", *_as_whom()) if name.startswith("mariadb") else ()
    done = subprocess.run([_program(name), *more, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def _as_whom() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise RuntimeError(WITHOUT)
    return found


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


if __name__ == "__main__":
    for name in missing():
        sys.stderr.write(f"{name} is not installed\n")
    sys.exit(bool(missing()))
