"""`netcheck check URL…`: the same checks without an inventory."""

from __future__ import annotations

import pytest

from netcheck.errors import UsageError
from netcheck.inventory.urls import from_urls
from netcheck.plan import choose


def test_urls() -> None:
    """Scheme, host, port and path of a URL make a check, seen from here, origin assumed."""
    urls = ["ssh://10.0.0.5", "tcp://db1:5432", "https://acme.example/x?y=1", "dns://db1", "ssh://[::1]:2222"]
    checks = list(choose(from_urls(urls)))
    assert [check.id for check in checks] == [
        "local/10.0.0.5/ssh/22",
        "local/db1/tcp/5432",
        "local/acme.example/https/443",
        "local/db1/dns/-",
        "local/::1/ssh/2222",
    ]
    assert checks[2].terms.settings.path == "/x?y=1"
    assert all(check.terms.origin == "assumed" for check in checks)


def test_same_service_twice() -> None:
    """A URL given twice is one check; two paths of one service are two, told apart by name."""
    checks = choose(from_urls(["https://h/a", "https://h/a", "https://h/b"]), timeout=2.0)
    assert [check.id for check in checks] == ["local/h/https/443", "local/h/https/443/2"]
    assert {check.terms.timing.timeout for check in checks} == {2.0}


def test_name_of_an_address() -> None:
    """There is no name to look up where the host is an address."""
    (check,) = choose(from_urls(["dns://10.0.0.5"]))
    assert check.terms.stopped == (
        "probe.unsupported",
        "10.0.0.5 is an address: there is no name to look up",
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("db1", "`db1` is not a URL (for example `ssh://10.0.0.5`, `tcp://db1:5432`)"),
        (
            "https://a/?token=hunter2",
            "secret in clear text: a URL takes no password or token; it would be in every log on the way",
        ),
        ("shh://db1", "unknown probe `shh`; did you mean `ssh`?"),
        ("tcp://db1", "tcp needs a port (for example `tcp/443`)"),
        ("dns://db1:53", "dns has no port; write `dns`"),
        ("https://", "`https://` is not a URL: it names no host"),
        ("https://h:0/", "`0` is not a port: 1 to 65535"),
        ("https://h:99999/", "`99999` is not a port: 1 to 65535"),
        ("https://h:x/", "`x` is not a port: 1 to 65535"),
        ("https://[::1/", "`https://[::1/` is not a URL: the host can't be read"),
        ("ssh://h/home", "ssh takes no path: `/home`"),
        (
            "https://bob:hunter2@h/",
            "a URL may not hold a user or password; an inventory has `credentials` for that",
        ),
    ],
)
def test_refused(url: str, message: str) -> None:
    """A bad URL is a usage error; a password in it is not repeated."""
    with pytest.raises(UsageError) as caught:
        list(from_urls([url]))
    assert str(caught.value) == f"netcheck: {message}\nnothing was checked"
