"""Addresses drawn by chance in a network."""

from __future__ import annotations

import ipaddress

import pytest

from netcheck.diagnosis.networks import network_of
from netcheck.second_look.strangers import stranger_of, strangers_of


@pytest.mark.parametrize("address", ["10.20.0.2", "10.20.0.250", "2001:db8:1:2::7"])
def test_a_stranger_is_of_the_same_network(address: str) -> None:
    """Never the address itself, the network's first ones or its last."""
    network = ipaddress.ip_network(network_of(address))
    for _ in range(300):
        stranger = ipaddress.ip_address(stranger_of(address))
        assert stranger in network
        assert str(stranger) != address
        assert int(stranger) - int(network.network_address) >= 2
        assert int(network.broadcast_address) - int(stranger) >= 1


def test_no_stranger_is_known() -> None:
    """Only what the plan does not hold is drawn, each once; one that is, where there is nobody else."""
    known = {f"10.20.0.{number}" for number in range(1, 250)}
    assert set(strangers_of("10.20.0.9", 4, known)) == {f"10.20.0.{number}" for number in range(250, 254)}
    everybody = {f"10.20.0.{number}" for number in range(256)}
    assert strangers_of("10.20.0.9", 4, everybody) == ()
    assert stranger_of("10.20.0.9", everybody) in everybody - {"10.20.0.9"}
