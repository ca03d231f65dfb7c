"""Paths that API Gateway will import. Chalice checks none: it packages what the import then refuses."""

import re
from collections.abc import Iterable

_LITERAL = re.compile(r"[A-Za-z0-9._:-]+")
_VARIABLE = re.compile(r"\{[A-Za-z0-9._-]+\}")


def faults(paths: Iterable[str]) -> list[str]:
    """What API Gateway would refuse of these paths, one sentence each; empty when it takes them all.

    A part of a path is a literal or one whole variable, and variables at one place share one name
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html).
    """
    found: list[str] = []
    variables: dict[str, str] = {}
    for path in sorted(paths):
        above = ""
        for part in path.split("/")[1:] if path != "/" else []:
            if part.startswith("{") and _VARIABLE.fullmatch(part):
                sibling = variables.setdefault(above, part)
                if sibling != part:
                    found.append(f"{path}: {part} stands beside {sibling}")
                part = "{}"
            elif not _LITERAL.fullmatch(part):
                found.append(f"{path}: {part!r} is neither a literal nor one variable")
            above = f"{above}/{part}"
    return found
