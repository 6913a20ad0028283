"""ssh: identification, key exchange, host key and, with a credential, the login (RFC 4253, RFC 4252).

`probe` is the ladder, `greeting` and `wire` what is read before a library takes over, `session` paramiko.
"""

from probes.ssh.probe import PROBE, Settings, run

__all__ = ["PROBE", "Settings", "run"]
