"""The list of bots that whoever deploys has put beside the code, where there is one.

It is licensed, so it is no part of the project: two files in `chalicelib/lists`, which the deployment packs.
"""

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from chalicelib import observe

if TYPE_CHECKING:
    from chalicelib.domain.bot_list import BotList

FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "lists")
EXCLUDE, INCLUDE = "exclude_current.txt", "include_current.txt"


@lru_cache(maxsize=1)
def current() -> "BotList | None":
    """The list, read once a process; None where there is none.

    A deployment with one that can't be read is refused. Should it come to that all the same, links are
    followed, screened without it, and an error is logged.
    """
    try:
        return load(FOLDER)
    except (OSError, ValueError):
        observe.error("bot_list_unreadable")
        return None


def load(folder: str) -> "BotList | None":
    """The list in that folder; None where there is neither file.

    Raises:
        OSError: there is only one of the files, or it can't be opened.
        ValueError: a file can't be read.
    """
    exclude, include = (os.path.join(folder, name) for name in (EXCLUDE, INCLUDE))
    if not os.path.exists(exclude) and not os.path.exists(include):
        return None
    from chalicelib.domain import bot_list

    with open(exclude, encoding="latin-1") as excluded, open(include, encoding="latin-1") as included:
        return bot_list.read(excluded.read(), included.read())
