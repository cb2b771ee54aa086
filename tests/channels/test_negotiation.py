"""Accept-Encoding and If-None-Match, case by case as RFC 9110 has them."""

from __future__ import annotations

import pytest

from rolewise.channels.negotiation import is_current, takes_gzip

TAG = 'W/"5f3a"'


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("br;q=1, gzip;q=0.8", True),
        ("gzip ; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0, deflate", False),
        ("gzip; q=0.000", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("identity;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("gzip, identity;q=0.5", True),
        ("identity;q=0, gzip;q=0.1", True),
        ("br", False),
        ("gzipped, x-gzip-9", False),
        ("gzip;q=1.5", False),
        ("gzip;q=yes", False),
        (", ,gzip,", True),
    ],
)
def test_gzip_is_sent_to_those_who_want_it(accepted: str | None, packed: bool) -> None:
    assert takes_gzip(accepted) is packed


@pytest.mark.parametrize(
    ("none_match", "current"),
    [
        (None, False),
        ("", False),
        ("*", True),
        (' "5f3a" ', True),
        ('W/"5f3a"', True),
        ('"other"', False),
        ('"one", W/"5f3a", "two"', True),
        ('"one","two","5f3a"', True),
        ('"one",, "5f3a",', True),
        ('"one", "two"', False),
        ('W/"5f3a-gzip"', True),
        ('"5f3a--gzip"', True),
        ('"5f3a;br"', True),
        ('"5f3a-more"', False),
        ('"a, 5f3a"', False),
        ('"a,\\"", "5f3a"', False),
        ("5f3a", False),
        ('w/"5f3a"', False),
        ('"5f3a" "5f3a"', False),
        ('"*"', False),
    ],
)
def test_a_copy_is_current_when_its_tag_is_named(none_match: str | None, current: bool) -> None:
    assert is_current(none_match, TAG) is current
