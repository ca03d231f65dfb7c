"""Whether a visitor may be given an identifier."""

from chalicelib.domain.program import Consent


def may_identify(consent: Consent, gpc: str | None, answers: tuple[str | None, ...]) -> bool:
    """Whether a cookie and a token are allowed.

    A Global Privacy Control signal (`Sec-GPC: 1`, W3C) forbids them, and so does any answer `denied`;
    where the program requires consent, one answer must be `granted`. `answers` are what the visitor's
    request carries as `ll_consent`, in its query and its cookie, each as often as it stands there.
    """
    if gpc is not None and gpc.strip() == "1":
        return False
    if "denied" in answers:
        return False
    return consent is not Consent.REQUIRED or "granted" in answers
