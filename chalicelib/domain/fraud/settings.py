"""A program's settings of the rules: published as versions, never edited, and ready to be used.

A conversion is looked at by the version that was in force when it occurred, or when it was first told where
its clock was ahead. Before the first version every rule flags with its defaults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from chalicelib.domain.errors import Invalid
from chalicelib.domain.fraud import (
    CONVERSION_RULES,
    ENROLLMENT_RULES,
    PARTNER_RULES,
    RULES,
    duplicate_customer,
)
from chalicelib.domain.fraud.case import Applicant, Case, Traffic
from chalicelib.domain.fraud.rule import Action, Find, Rule, Values

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a program wants of one rule; `version` is the rule's when this was published."""

    action: str
    version: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """One version, in force from `starts_at` until the next one starts. A rule not named has its defaults."""

    program: str
    version: int
    starts_at: datetime
    rules: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Armed(Generic[S]):
    """A rule with its settings read, ready to look at its subjects."""

    name: str
    version: int
    action: Action
    find: Find[S]
    values: Values


@dataclass(frozen=True, slots=True)
class Broken:
    """A setting that can't be read: it must not pass for a rule that found nothing."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Arms:
    """All rules that are not switched off, and what is broken among the settings."""

    conversion: tuple[Armed[Case], ...]
    partner: tuple[Armed[Traffic], ...]
    enrollment: tuple[Armed[Applicant], ...]
    broken: tuple[Broken, ...]

    def of(self, name: str) -> Armed[Case] | None:
        """The conversions' rule of that name, where it is in use."""
        return next((armed for armed in self.conversion if armed.name == name), None)

    def earlier_for(self, event: str) -> int:
        """How many earlier conversions of its customer a conversion of the event is looked at beside."""
        armed = self.of(duplicate_customer.RULE.name)
        return duplicate_customer.asks_for(event, armed.values) if armed else 0


def default_setting(rule: Rule[Any], action: Action = Action.FLAG) -> Setting:
    """The rule as it is today, with its defaults."""
    return Setting(action, rule.version)


def recommended() -> dict[str, Setting]:
    """The recommended set: rules whose findings seldom err hold, the others flag."""
    return {rule.name: default_setting(rule, rule.recommended) for rule in RULES.values()}


def review_settings(settings: Mapping[str, Setting], where: str = "rules") -> list[Invalid]:
    """Everything that is wrong with them."""
    problems: list[Invalid] = []
    for name, setting in settings.items():
        rule = RULES.get(name)
        if rule is None:
            known = ", ".join(RULES)
            problems.append(Invalid("rule_unknown", f"must be one of {known}", f"{where}.{name}"))
            continue
        if setting.action not in set(Action):
            listed = ", ".join(Action)
            field_path = f"{where}.{name}.action"
            problems.append(Invalid("action_invalid", f"must be one of {listed}", field_path))
        try:
            rule.finder(setting.version)
        except Invalid as problem:
            problems.append(problem)
        problems += rule.values(setting.parameters, f"{where}.{name}.parameters")[1]
    return problems


def arm(settings: Mapping[str, Setting]) -> Arms:
    """The rules as these settings want them; whatever can't be read is told as broken."""
    broken = [Broken(name, f"there is no rule {name}") for name in settings if name not in RULES]
    return Arms(
        _arm(CONVERSION_RULES, settings, broken),
        _arm(PARTNER_RULES, settings, broken),
        _arm(ENROLLMENT_RULES, settings, broken),
        tuple(broken),
    )


def _arm(
    rules: Sequence[Rule[S]], settings: Mapping[str, Setting], broken: list[Broken]
) -> tuple[Armed[S], ...]:
    armed = []
    for rule in rules:
        setting = settings.get(rule.name) or default_setting(rule)
        problems = review_settings({rule.name: setting})
        if problems:
            broken.append(Broken(rule.name, "; ".join(f"{p.field}: {p.message}" for p in problems)))
        elif setting.action != Action.OFF:
            values, _ = rule.values(setting.parameters)
            action = Action(setting.action)
            armed.append(Armed(rule.name, setting.version, action, rule.finder(setting.version), values))
    return tuple(armed)


DEFAULT_ARMS = arm({})
"""Every rule flags, with its defaults."""


class Policy:
    """All versions of a program's settings; each is armed once, when it is first needed."""

    def __init__(self, versions: Sequence[Settings] = ()) -> None:
        self.versions = tuple(versions)
        self._armed: dict[int, Arms] = {}

    def current(self, at: datetime) -> Settings | None:
        """The version in force at that instant; None before the first."""
        started = [version for version in self.versions if version.starts_at <= at]
        return started[-1] if started else None

    def arms(self, at: datetime) -> Arms:
        """The rules in force at that instant."""
        settings = self.current(at)
        if settings is None:
            return DEFAULT_ARMS
        if settings.version not in self._armed:
            self._armed[settings.version] = arm(settings.rules)
        return self._armed[settings.version]

    @property
    def looks_at_customers(self) -> bool:
        """Whether money may wait, in any version, because of what else the customer has ordered."""
        name = duplicate_customer.RULE.name
        return any(
            name in version.rules and version.rules[name].action not in {Action.OFF, Action.FLAG}
            for version in self.versions
        )


NO_POLICY = Policy()
"""Of a program that published no settings."""
