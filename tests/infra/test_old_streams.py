"""Before Chalice deploys, workers leave the streams of tables that were restored."""

import io
import json
import zipfile
from pathlib import Path

from botocore.session import Session
from moto import mock_aws

from infra import old_streams

GONE = "arn:aws:dynamodb:us-east-1:123456789012:table/t-journal/stream/2026-01-01T00:00:00.000"


def test_a_subscription_to_a_stream_that_is_no_more_is_ended_and_forgotten_once(tmp_path: Path) -> None:
    record = tmp_path / "trial.json"
    assert old_streams.leave(None, record, {"any"}) == []
    with mock_aws():
        session = Session()
        session.set_credentials("test", "test")
        functions, dynamodb, iam = (
            session.create_client(name, region_name="us-east-1") for name in ("lambda", "dynamodb", "iam")
        )
        table = dynamodb.create_table(
            TableName="t-journal",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )["TableDescription"]["LatestStreamArn"]
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        packed = io.BytesIO()
        zipfile.ZipFile(packed, "w").close()
        functions.create_function(
            FunctionName="f",
            Runtime="python3.11",
            Role=role,
            Handler="a.b",
            Code={"ZipFile": packed.getvalue()},
        )
        made = functions.create_event_source_mapping(
            EventSourceArn=table, FunctionName="f", StartingPosition="TRIM_HORIZON"
        )["UUID"]
        others = [{"name": "api", "resource_type": "rest_api", "rest_api_id": "a"}]
        reads = {"name": "s", "resource_type": "dynamodb_event", "stream_arn": table, "event_uuid": made}
        record.write_text(json.dumps({"schema_version": "2.0", "resources": [*others, reads]}))
        assert old_streams.leave(functions, record, {table}) == []
        assert len(functions.list_event_source_mappings()["EventSourceMappings"]) == 1
        before = record.read_text()
        assert old_streams.leave(functions, record, {GONE}) == [table]
        assert functions.list_event_source_mappings()["EventSourceMappings"] == []
        assert json.loads(record.read_text()) == {"schema_version": "2.0", "resources": others}
        record.write_text(before)
        assert old_streams.leave(functions, record, {GONE}) == [table], "what was left halfway goes on"
