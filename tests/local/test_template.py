import pytest

from local.template import Resolver, Unresolved, environment_name, load

TEMPLATE = """
Parameters:
  Prefix: {Type: String, Default: dev}
  Count: {Type: Number, Default: 4}
Resources:
  Things:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${Prefix}-things-${AWS::Region}"
      Plain: ["a", !Ref Count]
      Escaped: !Sub "${!Literal} ${x}"
      Other: {"Fn::GetAtt": [Others, Arn]}
"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "base.yaml"
    path.write_text(TEMPLATE)
    return load(path)


def test_references_and_substitutions_are_worked_out(template):
    resolver = Resolver(template, {"Prefix": "prod"}, "eu-west-1")
    properties = template["Resources"]["Things"]["Properties"]
    assert resolver.value(properties["QueueName"]) == "prod-things-eu-west-1"
    assert resolver.value(properties["Plain"]) == ["a", "4"]
    assert resolver.value({"Fn::Join": ["-", ["a", {"Ref": "Prefix"}]]}) == "a-prod"


def test_an_attribute_resolves_once_its_resource_is_made(template):
    resolver = Resolver(template, {}, "eu-west-1")
    value = template["Resources"]["Things"]["Properties"]["Other"]
    with pytest.raises(Unresolved):
        resolver.value(value)
    resolver.known["Others"] = {"Arn": "arn:aws:sqs:::others"}
    assert resolver.value(value) == "arn:aws:sqs:::others"


def test_a_function_that_is_not_known_is_refused_rather_than_guessed(template):
    resolver = Resolver(template, {}, "eu-west-1")
    with pytest.raises(ValueError, match="Fn::Select"):
        resolver.value({"Fn::Select": [0, ["a", "b"]]})
    with pytest.raises(ValueError, match="Fn::Or"):
        resolver.holds({"Fn::Or": []})


def test_a_property_hangs_on_a_condition(template):
    conditions = {"Conditions": {"Named": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Prefix"}, "dev"]}]}}}
    wanted = {"Tagged": {"Fn::If": ["Named", "yes", {"Ref": "AWS::NoValue"}]}, "Kept": "always"}
    resolved = [
        Resolver({**template, **conditions}, given, "eu-west-1").value(wanted)
        for given in ({"Prefix": "prod"}, {})
    ]
    assert resolved == [{"Tagged": "yes", "Kept": "always"}, {"Kept": "always"}]


@pytest.mark.parametrize(
    ("output", "variable"),
    [("TablePrefix", "TABLE_PREFIX"), ("SecretsId", "SECRETS_ID"), ("ClicksStreamArn", "CLICKS_STREAM_ARN")],
)
def test_an_output_names_its_environment_variable(output, variable):
    assert environment_name(output) == variable
