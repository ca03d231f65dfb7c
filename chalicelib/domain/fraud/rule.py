"""What a fraud rule is: a signal, its settings with the reason of each default, what it does when it speaks.

A rule finds something in its subject (a conversion, a partner's counts, a partner who enrols) or nothing. It
never decides about money: the program's settings say what a finding does. The version of a rule is part of a
setting. Whoever changes what a rule finds gives it the next version and leaves the last one in `former`, so
that what was held by it stays explained by it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from chalicelib.domain.errors import Invalid

MAX_NAMES = 500
"""Names that a list in a rule's settings may have."""

S = TypeVar("S")


class Action(StrEnum):
    """What a finding does: nothing; a remark on the receipt; money waits for a person; nothing is paid."""

    OFF = "off"
    FLAG = "flag"
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Trace:
    """What a rule found: in words, and as figures and names for programs to read."""

    words: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number in a rule's settings; `reason` says why the default is what it is."""

    name: str
    default: int
    least: int
    most: int
    unit: str
    reason: str

    def read(self, value: object, where: str) -> int:
        """The number itself.

        Raises:
            Invalid: `parameter_invalid`.
        """
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            message = f"must be a whole number of {self.unit} from {self.least} to {self.most}"
            raise Invalid("parameter_invalid", message, where)
        return value


@dataclass(frozen=True, slots=True)
class Names:
    """A list of names in a rule's settings, each of the form `pattern`; `form` says it in words."""

    name: str
    default: tuple[str, ...]
    pattern: str
    form: str
    reason: str

    def read(self, value: object, where: str) -> tuple[str, ...]:
        """The names, each once, in the order given.

        Raises:
            Invalid: `parameter_invalid`.
        """
        names = tuple(value) if isinstance(value, list | tuple) else None
        right = names is not None and all(
            isinstance(name, str) and re.fullmatch(self.pattern, name, re.ASCII) for name in names
        )
        if names is None or not right or len(names) > MAX_NAMES:
            raise Invalid("parameter_invalid", f"must be a list of at most {MAX_NAMES} {self.form}", where)
        return tuple(dict.fromkeys(names))


Parameter = Number | Names
Values = Mapping[str, Any]
"""The values of a rule's parameters, by name: all of them, each as its parameter reads it."""

Find = Callable[[S, Values], Trace | None]


@dataclass(frozen=True, slots=True)
class Rule(Generic[S]):
    """One rule. `recommended` is its action in the recommended set; `former` what older versions find."""

    name: str
    signal: str
    find: Find[S]
    parameters: tuple[Parameter, ...] = ()
    recommended: Action = Action.FLAG
    version: int = 1
    former: Mapping[int, Find[S]] = field(default_factory=dict)

    def finder(self, version: int) -> Find[S]:
        """What that version of the rule finds.

        Raises:
            Invalid: `version_unknown`.
        """
        known = {**self.former, self.version: self.find}
        if version not in known:
            raise Invalid("version_unknown", f"there is no version {version} of this rule", "version")
        return known[version]

    def values(self, given: Mapping[str, object], where: str = "parameters") -> tuple[Values, list[Invalid]]:
        """All values, defaults where none is given, and everything that is wrong with those given."""
        values: dict[str, Any] = {}
        problems = [
            Invalid("parameter_unknown", f"{self.name} has no such parameter", f"{where}.{name}")
            for name in given
            if name not in {parameter.name for parameter in self.parameters}
        ]
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            try:
                values[parameter.name] = parameter.read(value, f"{where}.{parameter.name}")
            except Invalid as problem:
                problems.append(problem)
        return values, problems
