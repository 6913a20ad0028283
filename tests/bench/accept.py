"""Accepts and closes, on every address of this host; prints its port."""

import socket

with socket.create_server(("0.0.0.0", 0), backlog=4096) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        listener.accept()[0].close()
