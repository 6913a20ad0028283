"""The way from an exception to an exit status."""

import pytest

from netcheck import cli, exitcodes
from netcheck.errors import UsageError


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (KeyboardInterrupt(), exitcodes.INTERRUPTED, ""),
        (UsageError("no such file"), exitcodes.USAGE, "no such file\n"),
    ],
)
def test_what_ends_a_command_has_its_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    status: int,
    told: str,
) -> None:
    """Without a traceback, also where Ctrl-C comes while an inventory is read."""

    def command(words: list[str]) -> int:
        raise raised

    monkeypatch.setattr(cli, "_command", command)
    assert cli.main(["plan", "inventory.yml"]) == status
    assert capsys.readouterr().err == told
