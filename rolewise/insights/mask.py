"""Takes personal data out of messages before anybody reads them: addresses, numbers, names of accounts. Presidio finds them.

Only recognisers that work by pattern and checksum are used: no model is downloaded and nothing is asked over the network. They
find no names of people.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

# Countries whose way of writing telephone numbers is known, beside numbers that begin with "+".
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "IN", "CA", "AU", "IE", "NL", "CH")
# A name of an account: @name, or somebody's page on a site where people have one.
ACCOUNT = r"(?<![\w@.])@[A-Za-z0-9_](?:[\w.-]{0,28}[\w])?"
PROFILE = r"\b(?:https?://)?(?:www\.)?(?:linkedin\.com/in|github\.com|gitlab\.com|x\.com|twitter\.com|facebook\.com|instagram\.com|t\.me)/[\w.%-]+"

SHOWN = {
    "EMAIL_ADDRESS": "<e-mail>",
    "PHONE_NUMBER": "<phone>",
    "ACCOUNT": "<account>",
    "IBAN_CODE": "<account>",
    "CREDIT_CARD": "<account>",
    "IP_ADDRESS": "<address>",
}


@lru_cache(maxsize=1)
def _recognisers() -> list[Any]:
    import logging

    import tldextract
    from presidio_analyzer import Pattern, PatternRecognizer
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        EmailRecognizer,
        IbanRecognizer,
        IpRecognizer,
        PhoneRecognizer,
    )

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    # The list of domains that comes with the package: by itself it would fetch a newer one.
    domains = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class Addresses(EmailRecognizer):
        """Finds e-mail addresses without asking for a list of domains over the network."""

        def validate_result(self, pattern_text: str) -> bool:
            """Whether it ends in a domain that can exist."""
            return bool(domains(pattern_text).suffix)

    accounts = PatternRecognizer(
        "ACCOUNT", name="accounts", patterns=[Pattern("account", ACCOUNT, 0.6), Pattern("profile", PROFILE, 0.6)], supported_language="en"
    )
    return [Addresses(), PhoneRecognizer(supported_regions=REGIONS), accounts, IbanRecognizer(), CreditCardRecognizer(), IpRecognizer()]


@lru_cache(maxsize=4096)
def masked(text: str) -> str:
    """The text with what is somebody's own replaced by its kind in angle brackets."""
    spans = sorted(
        (
            (found.start, found.end, found.entity_type)
            for one in _recognisers()
            for found in one.analyze(text, one.supported_entities, None)
        ),
        key=lambda span: (span[0], -span[1]),
    )
    out, position = [], 0
    for start, end, kind in spans:
        if start >= position:
            out += [text[position:start], SHOWN[kind]]
            position = end
    return "".join([*out, text[position:]])


def holds_personal_data(text: str) -> bool:
    """Whether :func:`masked` would change the text."""
    return masked(text) != text


def all_masked(texts: Iterable[str]) -> list[str]:
    """Each text masked; those that are the same then stand once."""
    return list(dict.fromkeys(map(masked, texts)))
