"""The emulator, in a thread of this process, so that its catalogue and its statements can be reached."""

import asyncio
import http.client
import os
import threading

import duckdb
import duckdb_extension_spatial
from bqemulator.config import Settings
from bqemulator.server import EmulatorServer


def install_spatial():
    """DuckDB's extension out of its wheel into HOME, from where the emulator loads it without a network."""
    folder = os.path.join(os.path.dirname(duckdb_extension_spatial.__file__), "extensions")
    [version] = os.listdir(folder)
    duckdb.connect().execute(f"install '{folder}/{version}/spatial.duckdb_extension'")


class Emulator:
    def __init__(self):
        install_spatial()
        settings = Settings(rest_port=0, grpc_port=0, log_level="error", enable_format_extensions=False)
        self.server = EmulatorServer(settings)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.call(self.server.start())
        self.context = self.server._context
        # There is one DuckDB connection. Statements take turns; a transaction keeps the turn until its end.
        self.turn = asyncio.Lock()

    def call(self, coroutine):
        """Runs it in the emulator's thread and waits."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def in_turn(self, work):
        """Does work that looks at the catalogue or at what is stored, while no statement runs."""
        return self.call(self.have_turn(work))

    async def have_turn(self, work):
        async with self.turn:
            return await asyncio.to_thread(work)

    async def send(self, *request):
        return await asyncio.to_thread(self.exchange, *request)

    def exchange(self, method, path, body=None, content_type="application/json"):
        """Sends a request on, for one who has the turn. The result is a status and a body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.rest_port, timeout=60)
        try:
            connection.request(method, path, body, {"content-type": content_type} if body is not None else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
