"""The IAB/ABC International Spiders and Bots List, for those who have a licence of it.

Two files of lines with `|` between their fields, ISO 8859-1, `#` before a remark; 1 is yes, 0 no:

    exclude: pattern|active|exceptions, with commas between|other|impact|only at the start|inactive since
    include: pattern|active|only at the start|inactive since

Patterns are parts of a User-Agent, whatever their case; the date is MM/DD/YYYY, and until then an inactive
line counts still. A person's agent is in the include file, and not in the exclude file
(iabtechlab.com/software/iababc-international-spiders-and-bots-list; the fields as Snowplow's client of the
list, github.com/snowplow/iab-spiders-and-robots-java-client, reads them).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

MAX_PATTERN = 500


@dataclass(frozen=True, slots=True)
class Pattern:
    """A part of an agent in small letters, unless one of `exceptions` is there; until before `ends_on`."""

    text: str
    at_start: bool
    exceptions: tuple[str, ...] = ()
    ends_on: date | None = None

    def fits(self, agent: str, day: date) -> bool:
        """Whether the agent, in small letters, has it on that day."""
        if self.text not in agent or (self.at_start and not agent.startswith(self.text)):
            return False
        if self.ends_on is not None and day >= self.ends_on:
            return False
        return not any(exception in agent for exception in self.exceptions)


@dataclass(frozen=True, slots=True)
class BotList:
    """Both files, read."""

    excluded: tuple[Pattern, ...]
    included: tuple[Pattern, ...]

    def reason(self, agent: str, day: date) -> str | None:
        """Why the agent is none of a person's browser; None where it is one."""
        lowered = agent.lower()
        if not any(pattern.fits(lowered, day) for pattern in self.included):
            return "iab_no_browser"
        return "iab_excluded" if any(pattern.fits(lowered, day) for pattern in self.excluded) else None


def read(exclude: str, include: str) -> BotList:
    """The list.

    Raises:
        ValueError: a line that can't be read, or a file without patterns, by which nobody would be a person.
    """
    excluded = tuple(_patterns("exclude", exclude, exceptions=2, at_start=5))
    included = tuple(_patterns("include", include, exceptions=None, at_start=2))
    if not excluded or not included:
        raise ValueError("a file of the bot list has no patterns")
    return BotList(excluded, included)


def _patterns(name: str, text: str, *, exceptions: int | None, at_start: int) -> Iterator[Pattern]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [*(field.strip() for field in line.split("|")), *[""] * 8]
        pattern, active, start, since = fields[0].lower(), fields[1], fields[at_start], fields[at_start + 1]
        if not 1 <= len(pattern) <= MAX_PATTERN or active not in {"0", "1"} or start not in {"", "0", "1"}:
            raise ValueError(f"line {number} of the {name} file can't be read")
        excepted = fields[exceptions].lower().split(",") if exceptions else []
        ends_on = _day(since, name, number) if active == "0" else None
        if active == "1" or ends_on:
            without = tuple(part.strip() for part in excepted if part.strip())
            yield Pattern(pattern, start == "1", without, ends_on)


def _day(text: str, name: str, number: int) -> date | None:
    if not text:
        return None
    try:
        month, day, year = map(int, text.split("/"))
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"line {number} of the {name} file has no date MM/DD/YYYY") from None
