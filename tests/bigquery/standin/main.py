"""Starts the emulator and the stand-in before it: `main.py FOLDER`. Writes the address to FOLDER/address when all is ready."""

import os
import sys
from pathlib import Path


def main():
    folder = Path(sys.argv[1])
    import googlesql
    from emulator import Emulator
    from server import Server

    googlesql.load(folder / "googlesql.cwasm")
    server = Server(("127.0.0.1", 0), Emulator())
    address = folder / "address"
    new = folder / f"address.{os.getpid()}"
    new.write_text(f"http://127.0.0.1:{server.server_port}\n")
    new.rename(address)
    server.serve_forever()
    if address.exists() and str(server.server_port) in address.read_text():
        address.unlink()
    os._exit(0)


if __name__ == "__main__":
    main()
