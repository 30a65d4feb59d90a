"""Limits of the pages: a link, an address, a network, and the memory of them."""

from datetime import timedelta

from tests.workers.pages.links import every_link
from tests.workers.web_world import World
from workers.web.answers import BAD_LINKS_MAX, LINK_REQUESTS_MAX
from workers.web.limits import ADDRESS_CHARS_MAX, RateLimit, address_name
from workers.web.rules_page import ADDRESS_REQUESTS_MAX as RULES_MAX
from workers.web.sharing import BAD_CODES_MAX


def test_one_link_is_limited_and_others_are_not(web: World) -> None:
    """At the limit a link still opens, past it it says to wait, a minute later it opens again."""
    links = every_link(web)
    answers = [web.client.get(links["optin"]).status_code for _ in range(LINK_REQUESTS_MAX + 1)]
    other = web.client.get(links["ask"]).status_code
    web.clock.advance(timedelta(minutes=1))

    assert answers == [200] * LINK_REQUESTS_MAX + [429]
    assert other == 200
    assert web.client.get(links["optin"]).status_code == 200


def test_trying_links_is_limited(web: World) -> None:
    """Who tries links is told to wait; a good link from the same address still opens."""
    answers = [web.client.get(f"/a/guess{n}").status_code for n in range(BAD_LINKS_MAX + 1)]

    assert answers == [404] * BAD_LINKS_MAX + [429]
    assert web.client.get(every_link(web)["ask"]).status_code == 200


def test_every_limit_says_when_to_come_back(web: World) -> None:
    """Past its limit each page has the time to wait in its headers."""
    most = {"/rules": RULES_MAX, "/a/x": BAD_LINKS_MAX, "/r/x": BAD_CODES_MAX}
    for path, requests in most.items():
        answers = [web.client.get(path) for _ in range(requests + 1)]

        assert answers[-1].status_code == 429
        assert answers[-1].headers["retry-after"] == "60"


def test_memory_of_limits_is_bounded(web: World) -> None:
    """However many names come, so many are remembered, those seen last."""
    limit = RateLimit(web.clock, 1, names_max=10)
    for number in range(1_000):
        limit.allows(str(number))

    assert len(limit) == 10
    assert not limit.allows("999")


def test_addresses_of_one_network_share_a_limit(web: World) -> None:
    """Of IPv6 a network is one visitor, of IPv4 an address; what is none is cut short."""
    limit = RateLimit(web.clock, 3)
    one_network = [f"2001:db8:0:7:{number:x}::1" for number in range(4)]

    assert [limit.allows(address_name(each)) for each in one_network] == [True] * 3 + [False]
    assert limit.allows(address_name("2001:db8:0:8::1"))
    assert (
        address_name("::ffff:192.0.2.1") == address_name("192.0.2.1") != address_name("192.0.2.2")
    )
    assert address_name("fe80::1%eth0") == "fe80::/64"
    assert len(address_name("x" * 10_000)) == ADDRESS_CHARS_MAX
