"""The emulator as a running server: embedded in a thread, or in the foreground."""

import asyncio
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from provisioner.emulator.app import app
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.connections import BASE
from provisioner.emulator.faults import Faults, Rehearsal
from provisioner.emulator.foreign import seed
from provisioner.emulator.source import check_driver
from provisioner.emulator.store import SqliteStore
from provisioner.emulator.wire import TRANSPORT
from provisioner.emulator.world import World

_HOST = "127.0.0.1"


class Emulator:
    """A running emulator, for ``with``; it listens on 127.0.0.1 only, and ends with the block."""

    def __init__(
        self,
        data: Path | None = None,
        port: int = 0,
        behaviour: Behaviour = Behaviour(),  # noqa: B008
        faults: Rehearsal = Rehearsal(),  # noqa: B008
    ) -> None:
        """``data`` None keeps everything in memory; port 0 picks a free one. Nothing is opened yet."""
        self._data, self._port, self._behaviour, self._rehearsal = data, port, behaviour, faults

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``: both the Flow Service's endpoint and that of the token service."""
        return f"http://{_HOST}:{self._port}"

    @property
    def base_url(self) -> str:
        """The root of the Flow Service's own paths."""
        return self.url + BASE

    def __enter__(self) -> "Emulator":
        """Start, and return once connections are accepted.

        OSError: the port is in use, the file not usable. FaultError: the service would refuse what is to exist.
        ImportError: databases are to be contacted, and PyMySQL is not installed.
        """
        check_driver(self._behaviour)
        self._store, self._faults = SqliteStore(self._data), Faults(self._rehearsal)
        world = World(self._behaviour, self._store, time.time, lambda: uuid.uuid4().hex, faults=self._faults)
        try:
            seed(world, self._rehearsal.existing)
            self._socket = _listen(self._port)
        except BaseException:
            self._store.close()
            raise
        self._port = self._socket.getsockname()[1]
        self._server = _Server(_config(world))
        self._thread = threading.Thread(target=self._run, name="flow-service-emulator", daemon=True)
        self._thread.start()
        self._server.accepting.wait()
        if not self._server.started:
            self.__exit__(None, None, None)
            raise OSError(f"the emulator did not start on {self.url}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being answered, close every socket, release the data."""
        self._faults.ending = True
        self._server.stop()
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._server.accepting.set()


def serve(
    data: Path | None,
    port: int,
    behaviour: Behaviour,
    announce: Callable[[str], None],
    faults: Rehearsal = Rehearsal(),  # noqa: B008
) -> None:
    """Run until SIGINT or SIGTERM, in the main thread. ``announce`` gets the url once connections are accepted."""
    ending = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    previous = {each: signal.signal(each, lambda *_: ending.set()) for each in signals}
    try:
        with Emulator(data, port, behaviour, faults) as emulator:
            announce(emulator.url)
            ending.wait()
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


class _Server(uvicorn.Server):
    """Uvicorn, telling when it is up and stopping at once when asked instead of at its next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)
        self.accepting.set()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864_000
            try:
                await asyncio.wait_for(self._ending.wait(), 0.1)
            except TimeoutError:
                continue

    def stop(self) -> None:
        """From any thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)


class _Protocol(H11Protocol):
    """HTTP whose application can reach the connection, to end it as no answer would (``wire``)."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


def _config(world: World) -> uvicorn.Config:
    return uvicorn.Config(
        app(world),
        http=_Protocol,  # the one parser that is always there: the same limits everywhere
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=2,
    )


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's delay (40 ms an answer) off only where it is.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((_HOST, port))
        # Only listening claims the port; two that had merely bound it would both believe that it is theirs.
        listening.listen()
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"the emulator cannot listen on {_HOST}:{port}: {error.strerror}") from error
    return listening
