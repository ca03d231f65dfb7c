"""Routes that verify a token or signature of their own: what a wrong one is answered with."""

from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.errors import LinkledgerError, Unauthenticated
from chalicelib.routes.replies import source_ip_of
from chalicelib.services import limiting


def counted(request: Any, error: LinkledgerError) -> LinkledgerError:
    """The error, or that too many wrong credentials came from its address block."""
    if not isinstance(error, Unauthenticated):
        return error
    source_ip = source_ip_of(request)
    return limiting.refusal(bootstrap.stores(), error, request.headers, source_ip, bootstrap.now())
