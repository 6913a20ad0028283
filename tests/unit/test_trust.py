"""Where the trusted CAs are."""

from __future__ import annotations

import ssl

import pytest

from probes.net import trust


@pytest.fixture
def system(monkeypatch, tmp_path):
    """A system's store: its bundle and its hashed folder, either of which may be missing."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    def install(file, folder):
        paths = ssl.DefaultVerifyPaths(file, folder, "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)

    return install


def test_the_systems_store_is_bundle_and_folder(system, tmp_path):
    """Both are used where nothing else is named."""
    system("/bundle.pem", str(tmp_path))
    assert trust.store(None) == ("/bundle.pem", str(tmp_path))
    assert trust.words(None) == "this host's CAs in /bundle.pem"


def test_ssl_cert_file_replaces_both(system, tmp_path, monkeypatch):
    """The hashed folder does not help out."""
    system("/bundle.pem", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", "/mine.pem")
    assert trust.store(None) == ("/mine.pem", None)
    assert trust.words(None) == "the CAs in /mine.pem (SSL_CERT_FILE)"


def test_a_ca_file_replaces_everything(system, tmp_path, monkeypatch):
    """Also what the environment names; `~` is the user's home."""
    system("/bundle.pem", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", "/mine.pem")
    monkeypatch.setenv("HOME", "/home/lab")
    assert trust.store("~/ca.pem") == ("/home/lab/ca.pem", None)
    assert trust.words("~/ca.pem") == "the CAs in ~/ca.pem"


def test_a_host_without_cas_is_told(system, tmp_path):
    """An empty folder is no store; one file in it makes one."""
    system(None, str(tmp_path))
    assert trust.words(None).startswith("no CA at all")
    (tmp_path / "4a6481c9.0").touch()
    assert trust.words(None) == f"this host's CAs in {tmp_path}"
