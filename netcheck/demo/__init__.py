"""The embedded lab: real servers on loopback, some broken on purpose. No root, no network.

Every server has `address`, `port` and `close()`; `contextlib.closing` makes one a context manager.
"""
