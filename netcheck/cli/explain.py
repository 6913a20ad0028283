"""`netcheck explain`: what a cause code or a probe is, and who acts; alone, the list of all."""

from __future__ import annotations

import argparse
import difflib

from netcheck import exitcodes, registry
from netcheck.errors import NotAvailableYet, UsageError
from netcheck.explain import acts, algorithms, codes, manual, probe
from probes.codes import ALL_CODES, CODES
from probes.ssh.algorithms import profile_names

# Device types that will have a profile: the checks and ports of each as data.
PROFILES = (
    *("linux", "unix", "aix", "solaris", "windows", "ad", "ldap", "oracle", "mssql", "mysql", "postgres"),
    *("mongodb", "redis", "cisco", "junos", "fortigate", "checkpoint", "paloalto", "f5", "ilo", "idrac"),
    *("esxi", "vcenter", "ibm-i", "vnc", "kubernetes", "citrix", "aws", "azure", "gcp"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """`[CODE|PROBE|PROFILE]`, or the whole manual page."""
    words = f"a code, a prefix such as `tls`, a probe, a list for `ssh_profile`, or `{acts.WORD}`"
    parser.add_argument("word", nargs="?", metavar="CODE|PROBE|PROFILE", help=words)
    parser.add_argument("--markdown", choices=tuple(manual.PAGES), help="a page of the manual, in Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Print the page. Raises UsageError for a word that is nothing."""
    if arguments.markdown:
        print(manual.PAGES[arguments.markdown](), end="")
    else:
        print(page(arguments.word))
    return exitcodes.OK


def page(word: str | None) -> str:
    """What is known under the word: a code, a probe and its codes, or a prefix; None: the list."""
    if word is None:
        return _everything()
    if word == acts.WORD:
        return acts.page()
    if codes.known(word):
        return codes.page(word)
    parts = [probe.page(word)] if word in registry.names() else []
    parts += [codes.listing(word)] if word in CODES else []
    parts += [algorithms.page(word)] if word in profile_names() else []
    if parts:
        return "\n\n".join(parts)
    if word in PROFILES:
        raise NotAvailableYet(f"the profile `{word}`")
    raise UsageError(_unknown(word))


def _everything() -> str:
    lists = [codes.listing(prefix) for prefix in CODES]
    return "\n\n".join([*lists, probe.listing(), f"netcheck explain CODE|PROBE|{acts.WORD} shows more"])


def _unknown(word: str) -> str:
    words = (*ALL_CODES, *CODES, *registry.names(), *profile_names(), *PROFILES, acts.WORD)
    near = difflib.get_close_matches(word, words, 1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"netcheck explain: `{word}` is no code, probe or profile{hint} (`netcheck explain` lists them)"
