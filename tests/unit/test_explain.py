"""`netcheck explain`: every page, and a word that is nothing."""

from __future__ import annotations

import pytest

from netcheck import exitcodes, registry
from netcheck.cli import main
from netcheck.errors import NotAvailableYet, UsageError
from netcheck.explain import probe
from probes import settings
from probes.codes import ALL_CODES, CODES


@pytest.fixture
def page():
    from netcheck.cli.explain import page

    return page


def test_alone_it_lists_every_code_and_probe(page) -> None:
    """The list has a line for each code and each registered probe."""
    first_words = {line.split()[0] for line in page(None).splitlines() if line.strip()}
    assert set(ALL_CODES) <= first_words
    assert set(registry.names()) <= first_words


@pytest.mark.parametrize("word", [None, *ALL_CODES, *CODES, "tcp", "who-acts"])
def test_pages_fit_a_terminal(page, word: str | None) -> None:
    """No line is wider than 100 columns."""
    assert max(len(line) for line in page(word).splitlines()) <= 100


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_codes_page_answers_every_question(page, code: str) -> None:
    """What it is, how it is told apart, what to do, who acts; placeholders become names."""
    text = page(code)
    assert text.startswith(code)
    for title in ("How it is told apart", "How sure it is", "Do not take it for", "What to do", "Who acts"):
        assert f"\n{title}\n" in text
    assert "{" not in text


def test_a_prefix_lists_its_codes(page) -> None:
    """`path` is no probe: its codes and nothing else."""
    codes = [line.split()[0] for line in page("path").splitlines()[1:] if line.startswith("  path.")]
    assert codes == [code for code in ALL_CODES if code.startswith("path.")]


def test_a_word_that_is_a_probe_and_a_prefix_shows_both(page) -> None:
    """`tcp` is a probe's page, then the codes of its layer."""
    text = page("tcp")
    assert text.startswith("tcp: a TCP handshake on the port\n")
    assert "checks: [tcp/8443]" in text
    assert "  tcp.filtered " in text


def test_a_probe_that_cannot_be_loaded_says_why(page, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken third-party probe does not spoil the list."""

    def broken(name: str):
        raise registry.BrokenProbe(f"probe `{name}` can't be loaded")

    monkeypatch.setattr(registry, "get", broken)
    assert "probe `tcp` can't be loaded" in page("tcp")
    assert "tcp.filtered" in page(None)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "tls.expird",
            "netcheck explain: `tls.expird` is no code, probe or profile; did you mean `tls.expired`?"
            " (`netcheck explain` lists them)",
        ),
        ("%%%", "netcheck explain: `%%%` is no code, probe or profile (`netcheck explain` lists them)"),
    ],
)
def test_an_unknown_word_gets_the_nearest(page, word: str, message: str) -> None:
    """A misspelt word is a usage error that names the nearest."""
    with pytest.raises(UsageError) as caught:
        page(word)
    assert str(caught.value) == message


def test_a_profile_is_not_available_yet(page) -> None:
    """Profiles come later, and the command says so."""
    with pytest.raises(NotAvailableYet, match=r"^not available yet: the profile `windows`$"):
        page("windows")


def test_the_command_prints_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    """Through the command line: the page on stdout, status 0."""
    assert main(["explain", "tcp.refused"]) == exitcodes.OK
    assert capsys.readouterr().out.startswith("tcp.refused")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (settings.Choice(("full", "none")), "full or none"),
        (settings.Listing(settings.Network()), "one or a list: an address or network"),
        (settings.Duration(), "a duration"),
        (settings.PORT, "a port"),
        (settings.Flag(), "true or false"),
    ],
)
def test_kinds_are_told_in_words(kind: settings.Kind, words: str) -> None:
    """An option's kind reads as a person would say it."""
    assert probe.kind_words(kind) == words


def test_a_shipped_list_of_ssh_algorithms(page) -> None:
    """Who compares it with a vault sees every kind, and that the old ones are in `legacy` only."""
    legacy, openssh = page("legacy"), page("openssh")
    for kind in ("key exchange", "host key", "cipher", "MAC"):
        assert f"\n  {kind}" in legacy
    assert "diffie-hellman-group1-sha1" in legacy
    assert "diffie-hellman-group1-sha1" not in openssh
