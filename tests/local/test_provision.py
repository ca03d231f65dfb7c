import json

import pytest

from chalicelib import settings
from local import provision
from local.engine import REGION


@pytest.fixture
def dynamodb(engine):
    return engine.client("dynamodb")


def test_the_tables_are_those_of_the_template(stage, dynamodb):
    prefix = stage.environment["TABLE_PREFIX"]
    listed = dynamodb.list_tables(ExclusiveStartTableName=prefix, Limit=20)["TableNames"]
    names = ["catalogue", "clicks", "conversions", "counts", "identities", "journal", "links"]
    assert [name for name in listed if name.startswith(prefix)] == [f"{prefix}-{name}" for name in names]


def test_keys_indexes_and_streams_are_as_declared(stage, dynamodb):
    prefix = stage.environment["TABLE_PREFIX"]
    table = dynamodb.describe_table(TableName=f"{prefix}-conversions")["Table"]
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["queue"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert stage.environment["CONVERSIONS_STREAM_ARN"] == table["LatestStreamArn"]


def test_the_engine_expires_nothing_by_its_own_clock(stage, dynamodb):
    prefix = stage.environment["TABLE_PREFIX"]
    answer = dynamodb.describe_time_to_live(TableName=f"{prefix}-clicks")
    assert answer["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    expiring = dict(provision.expiring_tables(prefix, "http://localhost", REGION))
    assert expiring[f"{prefix}-clicks"] == expiring[f"{prefix}-identities"] == "expires_at"
    assert f"{prefix}-journal" not in expiring


def test_the_bucket_keeps_versions(stage, engine):
    bucket = stage.environment["LEDGER_BUCKET"]
    assert engine.client("s3").get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_the_secret_holds_a_token_key_and_a_customer_key(stage, engine):
    secret = engine.client("secretsmanager").get_secret_value(SecretId=stage.environment["SECRETS_ID"])
    value = json.loads(secret["SecretString"])
    assert set(value) == {"token_keys", "token_key", "customer_key"}
    assert value["token_key"] in value["token_keys"]


def test_making_a_stage_again_changes_nothing(stage, engine, dynamodb):
    prefix = stage.environment["TABLE_PREFIX"]
    dynamodb.put_item(TableName=f"{prefix}-links", Item={"pk": {"S": "a"}, "sk": {"S": "link"}})
    again = provision.stage(
        engine.client, prefix=prefix, base_url=stage.environment["BASE_URL"], region=REGION
    )
    assert again == stage.environment
    assert dynamodb.scan(TableName=f"{prefix}-links")["Count"] == 1


def test_the_variables_are_settings_that_the_app_accepts(stage):
    assert settings.load(stage.environment).table_prefix == stage.environment["TABLE_PREFIX"]
