"""What is wrong with a form, so that the page can say it beside each field."""

from chalicelib.domain.errors import LinkledgerError, Refused


def problems(error: LinkledgerError) -> dict[str, str]:
    """Sentences by the name of the field; the empty name is for the form as a whole."""
    listed = error.errors if isinstance(error, Refused) else [error]
    found: dict[str, str] = {}
    for one in listed:
        sentence = one.message[:1].upper() + one.message[1:]
        found.setdefault(one.field or "", sentence.rstrip(".") + ".")
    return found
