"""A CloudFormation template as the local stack reads it: parsed, and its references worked out.

Knows the parts of the language that `infra/base.yaml` uses, in their short and long forms: Ref, Sub, GetAtt,
Join, and conditions made of If, Equals and Not. Anything else raises, so that a template never means
something else here than in the cloud.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Attributes = dict[str, dict[str, str]]
"""What is known of the resources made so far: `{logical id: {"Ref": ..., "Arn": ..., ...}}`."""

_NOTHING = object()
"""What `AWS::NoValue` stands for: a property with it is not there."""


class Unresolved(Exception):
    """A value needs an attribute of a resource that is not made yet."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that turns `!Sub x` into `{"Fn::Sub": x}`."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise ValueError(f"!{suffix} on a {type(node).__name__}")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)  # type: ignore[no-untyped-call]  # PyYAML has no types


def load(path: Path) -> dict[str, Any]:
    """The template in its long form, references still in it."""
    parsed = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader that knows the tags of templates
    if not isinstance(parsed, dict) or "Resources" not in parsed:
        raise ValueError(f"{path} is no template")
    return parsed


def environment_name(output: str) -> str:
    """The environment variable that an output becomes: `SOME_THING` for `SomeThing`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", output).upper()


class Resolver:
    """Works out values; grows as resources are made and `known` gets their attributes."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str], region: str) -> None:
        self.known: Attributes = {
            "AWS::Region": {"Ref": region},
            "AWS::AccountId": {"Ref": "000000000000"},
            "AWS::Partition": {"Ref": "aws"},
        }
        for name, declared in template.get("Parameters", {}).items():
            value = parameters.get(name, declared.get("Default"))
            if value is None:
                raise ValueError(f"parameter {name} has no value")
            self.known[name] = {"Ref": str(value)}
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})

    def holds(self, condition: Any) -> bool:
        """Whether the condition, by its name or as it is written, holds.

        Raises:
            ValueError: it uses a function that is not known here.
        """
        if isinstance(condition, str):
            return self.holds(self._conditions[condition])
        ((name, argument),) = condition.items()
        if name == "Fn::Not":
            return not self.holds(argument[0])
        if name == "Fn::Equals":
            return bool(self.value(argument[0]) == self.value(argument[1]))
        raise ValueError(f"the local stack does not know the condition {name}")

    def value(self, node: Any) -> Any:
        """The node with every reference replaced.

        Raises:
            Unresolved: it needs a resource that is not made yet.
            ValueError: it uses a function that is not known here.
        """
        if isinstance(node, list):
            return [self.value(element) for element in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Ref":
                return _NOTHING if argument == "AWS::NoValue" else self._attribute(argument, "Ref")
            if name == "Fn::If":
                return self.value(argument[1] if self.holds(argument[0]) else argument[2])
            if name.startswith("Fn::"):
                return self._function(name, argument)
        worked_out = {name: self.value(element) for name, element in node.items()}
        return {name: value for name, value in worked_out.items() if value is not _NOTHING}

    def _function(self, name: str, argument: Any) -> str:
        if name == "Fn::GetAtt":
            return self._attribute(argument[0], argument[1])
        if name == "Fn::Join":
            return str(argument[0]).join(str(self.value(part)) for part in argument[1])
        if name == "Fn::Sub":
            text, own = (argument, {}) if isinstance(argument, str) else argument
            return re.sub(r"\$\{([^!}][^}]*)\}", lambda found: self._substituted(found[1], own), text)
        raise ValueError(f"the local stack does not know {name}")

    def _substituted(self, name: str, own: Mapping[str, Any]) -> str:
        if name in own:
            return str(self.value(own[name]))
        resource, _, attribute = name.partition(".")
        return self._attribute(resource, attribute or "Ref")

    def _attribute(self, resource: str, attribute: str) -> str:
        try:
            return self.known[resource][attribute]
        except KeyError:
            raise Unresolved(f"{resource}.{attribute}") from None
