"""URLs as a request needs them."""

from urllib.parse import urlsplit

import pytest

from probes.urls import authority, follow, normal, origin, url


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/in", "http://web.example:8080/in"),
        ("in?x=1#part", "http://web.example:8080/a/in?x=1"),
        ("//web.example/x", "http://web.example/x"),
        ("https://WEB.example", "https://web.example/"),
        ("https://web.example:443/", "https://web.example/"),
        ("http://user:pw@web.example/", "http://web.example/"),
        ("https://bücher.example/ä b", "https://xn--bcher-kva.example/%C3%A4%20b"),
        ("http://[2001:DB8::1]:81/", "http://[2001:db8::1]:81/"),
        (" /in ", "http://web.example:8080/in"),
    ],
)
def test_a_location_is_followed_from_where_we_are(location, leads_to):
    """Relative or absolute, without user and fragment, and fit to travel."""
    assert follow(urlsplit("http://web.example:8080/a/b?c"), location).geturl() == leads_to


@pytest.mark.parametrize("location", ["http://web.example:99999/", "http://web.example:x/", "http://[::1/"])
def test_a_location_that_is_no_url_is_an_error(location):
    """The port or the address can't be."""
    with pytest.raises(ValueError, match=r"[Pp]ort|IPv6"):
        follow(urlsplit("http://web.example/"), location)


@pytest.mark.parametrize(
    ("host", "port", "scheme", "header"),
    [
        ("web.example", 80, "http", "web.example"),
        ("web.example", 443, "http", "web.example:443"),
        ("2001:db8::1", 443, "https", "[2001:db8::1]"),
        ("fe80::1%eth0", 8443, "https", "[fe80::1]:8443"),
    ],
)
def test_the_authority_names_a_port_only_where_it_is_not_the_schemes(host, port, scheme, header):
    """And brackets IPv6 without its zone."""
    assert authority(host, port, scheme) == header


def test_two_urls_of_one_connection_have_one_origin():
    """A port that is left out is the scheme's."""
    assert origin(url("https", "web.example", 443, "/a")) == origin(urlsplit("https://web.example/b"))
    assert origin(urlsplit("http://web.example:443/")) != origin(urlsplit("https://web.example/"))


def test_hosts_compare_in_their_normal_form():
    """Case, the root's dot, IDNA and the many ways to write an IPv6 address don't matter."""
    assert normal("Bücher.Example.") == normal("xn--bcher-kva.example")
    assert normal("2001:db8:0::1%eth0") == normal("2001:DB8::1")
