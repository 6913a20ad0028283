"""`netcheck run` and `check` as a user calls them: exit statuses, outputs, interruption."""

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).parent / "netcheck")
Done = subprocess.CompletedProcess[str]
Netcheck = Callable[..., Done]
Inventory = Callable[..., str]


def test_all_pass_is_zero(netcheck: Netcheck, inventory: Inventory, open_port: int) -> None:
    """Exit 0, a table on stdout, nothing on stderr."""
    done = netcheck("run", inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{open_port}]}}"))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"tcp/{open_port}" in done.stdout


def test_a_failure_is_one(netcheck: Netcheck, inventory: Inventory, closed_port: int) -> None:
    """Exit 1; the table names the cause and what to do."""
    done = netcheck("run", inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{closed_port}]}}"))
    assert done.returncode == 1
    assert "tcp.refused" in done.stdout
    assert "What to do" in done.stdout


def test_an_accepted_failure_is_zero(netcheck: Netcheck, inventory: Inventory, closed_port: int) -> None:
    """It stays a failure in the table, and does not count."""
    accept = "{cause: tcp.refused, until: 2999-12-31, reason: known, by: ops}"
    name = inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{closed_port}], accept: [{accept}]}}")
    done = netcheck("run", name)
    assert done.returncode == 0
    assert "accepted" in done.stdout


def test_only_skips_are_three(netcheck: Netcheck, inventory: Inventory) -> None:
    """Nothing failed, but not everything was checked."""
    done = netcheck("run", inventory("  a: {host: 127.0.0.1, profile: linux}"))
    assert done.returncode == 3
    assert "probe.unsupported" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "missing.yml"], "missing.yml"),
        (["run", "inventory.yml", "--only", "nosuch"], "nosuch"),
        (["run", "inventory.yml", "--timeout", "0"], "timeout"),
        (["run", "inventory.yml", "--concurrency", "many"], "many"),
        (["run", "inventory.yml", "-o", "nowhere/x.json"], "nowhere/x.json"),
        (["run", "inventory.yml", "-o", "x.docx"], ".docx"),
        (["run", "inventory.yml", "-o", "x.html"], "not available yet"),
        (["run", "inventory.yml", "--format", "nagios"], "not available yet"),
        (["check", "ftp://127.0.0.1"], "ftp"),
        (["check", "tcp://127.0.0.1"], "port"),
        (["rules", "inventory.yml"], "not available yet: netcheck rules"),
        (["rnu"], "did you mean `run`?"),
    ],
)
def test_usage_errors_are_two(
    netcheck: Netcheck, inventory: Inventory, open_port: int, words: list[str], message: str
) -> None:
    """Nothing is checked, the message is on stderr alone and has no traceback."""
    inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{open_port}]}}")
    done = netcheck(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_check_needs_no_inventory(netcheck: Netcheck, open_port: int, closed_port: int) -> None:
    """URLs instead; --fail-on and --failed as in run."""
    done = netcheck("check", f"tcp://127.0.0.1:{open_port}", f"tcp://127.0.0.1:{closed_port}", "--failed")
    assert done.returncode == 1
    assert f"tcp/{closed_port}" in done.stdout
    assert f"tcp/{open_port} " not in done.stdout.partition("What to do")[0]


def test_every_format_beside_the_table(
    netcheck: Netcheck, inventory: Inventory, open_port: int, tmp_path: Path
) -> None:
    """Each -o file is written in the format of its suffix."""
    suffixes = ("json", "jsonl", "csv", "xml", "md", "txt")
    files = [word for suffix in suffixes for word in ("-o", f"out.{suffix}")]
    done = netcheck("run", inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{open_port}]}}"), *files)
    assert done.returncode == 0
    run = json.loads((tmp_path / "out.json").read_text())
    assert run["checks"][0]["id"] == f"local/a/tcp/{open_port}"
    assert all((tmp_path / f"out.{suffix}").stat().st_size for suffix in suffixes)


def test_the_run_is_kept_for_this_user_alone(
    netcheck: Netcheck, inventory: Inventory, open_port: int, tmp_path: Path
) -> None:
    """A journal of mode 0600 that `report last` reads; --no-history leaves none."""
    name = inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{open_port}]}}")
    netcheck("run", name, "--no-history")
    folder = tmp_path / "state" / "netcheck" / "runs"
    assert not folder.exists() or not list(folder.iterdir())
    netcheck("run", name)
    (journal,) = folder.iterdir()
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert json.loads(netcheck("report", "last", "--format", "json").stdout)["summary"]["pass"] == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_prints_and_keeps_what_was_finished(
    netcheck: Netcheck,
    inventory: Inventory,
    environment: dict[str, str],
    open_port: int,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    """Ctrl-C and SIGTERM: exit 130, the finished check in table, file and journal."""
    name = inventory(
        f"  a: {{host: 127.0.0.1, checks: [tcp/{open_port}]}}\n"
        f"  b: {{host: 127.0.0.1, checks: [ssh/{open_port}]}}",
        "defaults: {timeout: 60s}",
    )
    command = [str(Path(sys.executable).parent / "netcheck"), "run", name, "-o", "out.json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    )
    runs = tmp_path / "state" / "netcheck" / "runs"
    until = time.monotonic() + 20
    while not any(b'"tcp"' in journal.read_bytes() for journal in runs.glob("*.jsonl")):
        assert time.monotonic() < until, "the first check was not kept in time"
        time.sleep(0.05)
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert f"tcp/{open_port}" in output
    run = json.loads((tmp_path / "out.json").read_text())
    assert run["run"]["interrupted"] is True
    assert [check["target"] for check in run["checks"]] == ["a"]


def test_a_reader_that_leaves_early_changes_no_exit_status(
    closed_port: int, environment: dict[str, str], tmp_path: Path
) -> None:
    """`netcheck check … | head -1`: what failed still counts, and nothing complains."""
    command = [str(Path(sys.executable).parent / "netcheck"), "check", f"tcp://127.0.0.1:{closed_port}"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    assert (process.wait(20), errors) == (1, "")
    process.stderr.close()


@pytest.mark.parametrize(
    ("line", "status", "errors"),
    [
        ("netcheck explain | true", 0, ""),
        ("netcheck run 2>&1 >/dev/null | true", 2, ""),
        ("netcheck explain >&- | true", 0, ""),
        ("netcheck run --frob >&- 2>&- | true", 2, ""),
        ("python -m netcheck check tcp://127.0.0.1:1 --no-history >&- 2>&- </dev/null | true", 1, ""),
    ],
)
def test_closed_streams_change_no_exit_status(
    environment: dict[str, str], tmp_path: Path, line: str, status: int, errors: str
) -> None:
    """A reader that has gone, a stream that was closed from the start: no traceback, the same status."""
    folder = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environment, "PATH": f"{folder}:/usr/bin:/bin"},
        timeout=20,
    )
    assert (done.returncode, done.stderr) == (status, errors)


def test_a_wrong_option_is_one_line(netcheck: Netcheck) -> None:
    """What is wrong and where to look, without the whole usage."""
    done = netcheck("run", "inventory.yml", "--frob")
    assert done.stderr == (
        "netcheck run: unrecognized arguments: --frob (netcheck run --help shows its options)\n"
    )


def test_progress_stays_off_a_pipe(netcheck: Netcheck, inventory: Inventory, open_port: int) -> None:
    """stderr is no terminal here: nothing is drawn, and no escape sequence is printed."""
    done = netcheck("run", inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{open_port}]}}"))
    assert "\x1b" not in done.stdout + done.stderr


def test_version_and_help_cost_no_inventory(netcheck: Netcheck) -> None:
    """Every command's help shows one example."""
    assert netcheck("--version").stdout.startswith("netcheck ")
    for command in ("run", "check", "validate", "plan", "schema", "init", "explain", "report", "demo"):
        done = netcheck(command, "--help")
        assert done.returncode == 0
        assert f"example: netcheck {command}" in done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_change_no_status(
    tmp_path: Path, environment: dict[str, str], inventory: Inventory, open_port: int, closed: str
) -> None:
    """Some schedulers start their jobs so; what nobody can read is not written."""
    name = inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{open_port}]}}")
    line = f"{COMMAND} run {name} {closed}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, timeout=60, check=False)
    assert done.returncode == 0
