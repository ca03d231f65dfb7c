"""Bank accounts and names as SEPA takes them."""

import re
import unicodedata

from chalicelib.domain.errors import Invalid

_REGISTRY = (
    "AD24 AL28 AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GI23 GR27 HR21 "
    "HU28 IE22 IS26 IT27 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MT31 NL18 NO15 PL28 PT25 RO24 "
    "RS22 SE24 SI19 SK24 SM27 VA22 "
)
LENGTHS = {entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()}
"""Length of an IBAN in the countries of SEPA (EPC409-09; lengths of the IBAN registry, ISO 13616)."""

_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9/?:().,'+ -]{1,70}", re.ASCII)
"""What the EPC lets every bank expect (EPC217-08, "SEPA Requirements for an Extended Character Set")."""

_LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "&": "+", "’": "'"}
)


def check_iban(text: str, field: str) -> str:
    """The IBAN without blanks, in capitals.

    Raises:
        Invalid: `iban_invalid`: no country of SEPA, another length, or wrong check digits (ISO 7064, mod 97).
    """
    iban = text.replace(" ", "").upper()
    well_formed = iban.isascii() and iban.isalnum() and len(iban) == LENGTHS.get(iban[:2])
    if not well_formed or int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 != 1:
        raise Invalid("iban_invalid", "not an IBAN of a country in SEPA", field)
    return iban


def check_bic(text: str, field: str) -> str:
    """The BIC, in capitals (ISO 9362).

    Raises:
        Invalid: `bic_invalid`.
    """
    bic = text.strip().upper()
    if not _BIC.fullmatch(bic):
        raise Invalid("bic_invalid", "a BIC has 8 or 11 letters and digits", field)
    return bic


def check_name(text: str, field: str) -> str:
    """The name in the letters that every bank takes: accents go, some letters become two.

    Raises:
        Invalid: `name_invalid` where that is not possible.
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).strip()
    if not _NAME.fullmatch(plain) or plain[0] in "/-" or "//" in plain:
        raise Invalid("name_invalid", "a bank account's name is 1 to 70 Latin letters and digits", field)
    return plain
