"""moto's secrets, queues, topics and files without their wire: the calls that are made most.

To sign a request, find whose it is, parse it and parse its answer costs two milliseconds of the
processor, a hundred times what moto then does. What is not of the plain forms below, or is
refused, goes its usual way.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.response import StreamingBody
from botocore.validate import ParamValidator
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, S3Backend, s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.sns.responses import SNSResponse
from moto.sqs.responses import SQSResponse
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.client import BaseClient
    from botocore.model import Shape

Json = dict[str, Any]
_VALIDATOR: Final = ParamValidator()


def answered(client: BaseClient, operation: str, given: Json) -> Json | None:
    """What AWS answers, without ResponseMetadata; None if it has to be asked on the wire."""
    model, region = client.meta.service_model, client.meta.region_name
    answer = _ANSWERS.get((model.service_name, operation))
    if answer is None:
        return None
    shape = cast("Shape", model.operation_model(operation).input_shape)
    if _VALIDATOR.validate(given, shape).has_errors():
        return None
    try:
        return answer(region, given)
    except (HTTPException, ServiceException):
        return None  # refused before anything was done: on the wire it is an error of botocore's


def _handled(handler: type[SQSResponse | SNSResponse], does: str, region: str, given: Json) -> Json:
    handling = handler()
    handling.params, handling.uri_match = given, {}
    handling.uri = f"https://{handling.service_name}.{region}.amazonaws.com/"
    handling.region, handling.current_account = region, DEFAULT_ACCOUNT_ID
    return getattr(handling, does)().result or {}


def _create_secret(region: str, given: Json) -> Json | None:
    if not given.keys() <= {"Name", "SecretString"}:
        return None
    handling = SecretsManagerResponse()
    handling.querystring, handling.uri_match, handling.body = {}, {}, json.dumps(given)
    handling.region, handling.current_account = region, DEFAULT_ACCOUNT_ID
    return cast("Json", json.loads(handling.create_secret()))


def _read_secret(region: str, given: Json) -> Json | None:
    if given.keys() != {"SecretId"}:
        return None
    found = secretsmanager_backends[DEFAULT_ACCOUNT_ID][region].get_secret_value(
        secret_id=given["SecretId"], version_id=cast("Any", None), version_stage=cast("Any", None)
    )
    if "SecretBinary" in found:
        return None
    created = datetime.fromtimestamp(found["CreatedDate"], UTC)
    return found | {"CreatedDate": created, "VersionStages": [*found["VersionStages"]]}


def _write_secret(region: str, given: Json) -> Json | None:
    if given.keys() != {"SecretId", "SecretString"} or not given["SecretString"]:
        return None
    written = secretsmanager_backends[DEFAULT_ACCOUNT_ID][region].put_secret_value(
        secret_id=given["SecretId"],
        secret_string=given["SecretString"],
        secret_binary=cast("Any", None),
        client_request_token=cast("Any", None),
        version_stages=["AWSCURRENT"],
    )
    return cast("Json", json.loads(written))


def _create_bucket(region: str, given: Json) -> Json | None:
    name, configuration = given["Bucket"], {"LocationConstraint": region}
    if given != {"Bucket": name, "CreateBucketConfiguration": configuration}:
        return None
    _files().create_bucket(name, region)
    return {"Location": f"/{name}"}


def _version_bucket(_region: str, given: Json) -> Json | None:
    name = given["Bucket"]
    if given != {"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}}:
        return None
    _files().put_bucket_versioning(name, "Enabled")
    return {}


def _read_file(_region: str, given: Json) -> Json | None:
    if not given.keys() <= {"Bucket", "Key", "VersionId"}:
        return None
    version = given.get("VersionId")
    file = _files().get_object(given["Bucket"], given["Key"], version_id=version)
    if not isinstance(file, FakeKey):
        return None
    content = file.value
    return {
        "AcceptRanges": "bytes",
        "Body": StreamingBody(io.BytesIO(content), len(content)),
        "ContentLength": len(content),
        "ContentType": file.metadata["Content-Type"],
        "ETag": file.etag,
        "LastModified": file.last_modified.replace(microsecond=0, tzinfo=UTC),
        "Metadata": {},
    } | _version(file)


def _write_file(_region: str, given: Json) -> Json | None:
    is_plain = given.keys() == {"Bucket", "Key", "Body", "ContentType"}
    if not is_plain or not isinstance(given["Body"], bytes):
        return None
    file = _files().put_object(given["Bucket"], given["Key"], given["Body"])
    file.set_metadata({"Content-Type": given["ContentType"]})
    file.set_acl(_files().get_bucket(given["Bucket"]).acl)
    return {"ETag": file.etag} | _version(file)


def _files() -> S3Backend:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


def _version(file: FakeKey) -> Json:
    return {"VersionId": file.version_id} if file.version_id != "null" else {}


_ANSWERS: Final[dict[tuple[str, str], Callable[[str, Json], Json | None]]] = {
    ("s3", "CreateBucket"): _create_bucket,
    ("s3", "GetObject"): _read_file,
    ("s3", "PutBucketVersioning"): _version_bucket,
    ("s3", "PutObject"): _write_file,
    ("secretsmanager", "CreateSecret"): _create_secret,
    ("secretsmanager", "GetSecretValue"): _read_secret,
    ("secretsmanager", "PutSecretValue"): _write_secret,
    ("sns", "CreateTopic"): partial(_handled, SNSResponse, "create_topic"),
    ("sns", "Publish"): partial(_handled, SNSResponse, "publish"),
    ("sqs", "ChangeMessageVisibility"): partial(_handled, SQSResponse, "change_message_visibility"),
    ("sqs", "CreateQueue"): partial(_handled, SQSResponse, "create_queue"),
    ("sqs", "DeleteMessage"): partial(_handled, SQSResponse, "delete_message"),
    ("sqs", "ReceiveMessage"): partial(_handled, SQSResponse, "receive_message"),
    ("sqs", "SendMessage"): partial(_handled, SQSResponse, "send_message"),
}
