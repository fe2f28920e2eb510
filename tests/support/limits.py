"""What AWS takes: names, lengths and patterns of botocore's models, and what only the pages say."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import botocore.session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

# What a model leaves open, by service, operation and parameter: shortest, longest, pattern.
_SAID: Final[dict[tuple[str, str, str], tuple[int, int, str]]] = {
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
    ("sqs", "CreateQueue", "QueueName"): (1, 80, r"[\w-]+|[\w-]{1,75}\.fifo"),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    ("sqs", "SendMessage", "MessageGroupId"): (1, 128, r"[!-~]+"),
    ("sqs", "SendMessage", "MessageDeduplicationId"): (1, 128, r"[!-~]+"),
    # https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
    ("sns", "CreateTopic", "Name"): (1, 256, r"[\w-]+"),
    # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html "less than 100 characters long"
    ("sns", "Publish", "Subject"): (1, 99, r"[!-~][ -~]*"),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    ("s3", "CreateBucket", "Bucket"): (3, 63, r"[a-z0-9][a-z0-9.-]*[a-z0-9]"),
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    ("lambda", "CreateFunction", "FunctionName"): (1, 64, r"[\w-]+"),
    ("lambda", "CreateFunction", "Timeout"): (1, 900, ""),
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    ("dynamodb", "CreateTable", "TableName"): (3, 255, r"[\w.-]+"),
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    ("cloudformation", "CreateStack", "StackName"): (1, 128, r"[a-zA-Z][-a-zA-Z0-9]*"),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
    ("cloudwatch", "PutDashboard", "DashboardName"): (1, 255, r"[\w-]+"),
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    ("secretsmanager", "CreateSecret", "Name"): (1, 512, r"[\w/+=.@-]+(?<!-[A-Za-z0-9]{6})"),
}

# Of each kind of resource the call that makes it, and those of its attributes that are parameters
# of it, under the same name unless another is given.
_CALLS: Final[dict[str, tuple[str, str, str]]] = {
    "aws_lambda_function": (
        *("lambda", "CreateFunction"),
        "function_name description handler runtime architectures timeout memory_size",
    ),
    "aws_lambda_permission": (
        *("lambda", "AddPermission"),
        "function_name statement_id action principal",
    ),
    "aws_lambda_event_source_mapping": (
        *("lambda", "CreateEventSourceMapping"),
        (
            "batch_size starting_position maximum_batching_window_in_seconds"
            " maximum_retry_attempts maximum_record_age_in_seconds parallelization_factor"
            " function_response_types"
        ),
    ),
    "aws_lambda_function_event_invoke_config": (
        *("lambda", "PutFunctionEventInvokeConfig"),
        "function_name maximum_retry_attempts maximum_event_age_in_seconds",
    ),
    "aws_apigatewayv2_api": ("apigatewayv2", "CreateApi", "name description protocol_type"),
    "aws_apigatewayv2_integration": (
        *("apigatewayv2", "CreateIntegration"),
        "integration_type payload_format_version",
    ),
    "aws_apigatewayv2_route": ("apigatewayv2", "CreateRoute", "route_key"),
    "aws_apigatewayv2_stage": ("apigatewayv2", "CreateStage", "name=StageName auto_deploy"),
    "aws_apigatewayv2_domain_name": ("apigatewayv2", "CreateDomainName", "domain_name"),
    "aws_scheduler_schedule_group": ("scheduler", "CreateScheduleGroup", "name"),
    "aws_sqs_queue": ("sqs", "CreateQueue", "name=QueueName"),
    "aws_sns_topic": ("sns", "CreateTopic", "name"),
    "aws_s3_bucket": ("s3", "CreateBucket", "bucket"),
    "aws_dynamodb_table": ("dynamodb", "CreateTable", "name=TableName"),
    "aws_iam_role": (
        *("iam", "CreateRole"),
        "name=RoleName description assume_role_policy=AssumeRolePolicyDocument",
    ),
    "aws_iam_role_policy": ("iam", "PutRolePolicy", "name=PolicyName"),
    "aws_cloudwatch_log_group": ("logs", "CreateLogGroup", "name=logGroupName"),
    "aws_cloudwatch_event_rule": (
        *("events", "PutRule"),
        "name description state schedule_expression",
    ),
    "aws_cloudwatch_event_target": ("events", "PutTargets", "rule"),
    "aws_cloudwatch_metric_alarm": (
        *("cloudwatch", "PutMetricAlarm"),
        (
            "alarm_name alarm_description namespace metric_name statistic period"
            " evaluation_periods datapoints_to_alarm comparison_operator treat_missing_data"
        ),
    ),
    "aws_sfn_state_machine": ("stepfunctions", "CreateStateMachine", "name=name type=type"),
    "aws_cloudwatch_dashboard": ("cloudwatch", "PutDashboard", "dashboard_name"),
    "aws_secretsmanager_secret": ("secretsmanager", "CreateSecret", "name description"),
    "aws_cloudformation_stack": ("cloudformation", "CreateStack", "name=StackName"),
}
# What has no name or limit of ours: a switch of something above, an address, a value.
_NAMELESS: Final = {
    *("aws_s3_bucket_versioning", "aws_s3_bucket_server_side_encryption_configuration"),
    *("aws_s3_bucket_public_access_block", "aws_s3_bucket_policy"),
    *("aws_s3_bucket_lifecycle_configuration", "aws_secretsmanager_secret_version"),
    *("aws_dynamodb_table_item", "aws_sns_topic_subscription", "aws_lambda_function_url"),
    "aws_apigatewayv2_api_mapping",
}


def refusals(planned: Mapping[str, Json]) -> list[str]:
    """What AWS would have against each planned resource; what the plan leaves open is left out."""
    found = []
    for address, values in planned.items():
        kind = address.partition(".")[0]
        if kind in _NAMELESS:
            continue
        service, operation, attributes = _CALLS[kind]
        given = {}
        for one in attributes.split():
            attribute, _, parameter = one.partition("=")
            if values.get(attribute) is not None:
                same = "".join(part.capitalize() for part in attribute.split("_"))
                given[parameter or same] = values[attribute]
        shape = _model(service).operation_model(operation).input_shape
        found += [f"{address}: {c}" for c in _of_structure((service, operation), "", shape, given)]
    return found


@cache
def _model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def complaints(service: str, operation: str, arguments: Json) -> list[str]:
    """What AWS would have against a call, each with its parameter."""
    shape = _model(service).operation_model(operation).input_shape
    missing = [f"{name} is missing" for name in shape.required_members if name not in arguments]
    return [*missing, *_of_structure((service, operation), "", shape, arguments)]


def _of_structure(call: tuple[str, str], path: str, shape: Any, value: Json) -> Iterator[str]:
    for name, inner in value.items():
        if name not in shape.members:
            yield f"{path}{name} is unknown"
        else:
            yield from _of(call, f"{path}{name}", shape.members[name], inner)


def _of(call: tuple[str, str], path: str, shape: Any, value: Any) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    pattern = shape.metadata.get("pattern", "")
    if said := _SAID.get((*call, path)):
        least, most, pattern = said
    is_sized = isinstance(value, str | bytes | list)
    size = len(value) if is_sized else value if isinstance(value, int) else None
    if size is not None and least is not None and size < least:
        yield f"{path} is {size}, less than {least}"
    if size is not None and most is not None and size > most:
        yield f"{path} is {size}, more than {most}: {str(value)[:60]}"
    if shape.type_name == "string":
        if pattern and not re.fullmatch(pattern, value, re.ASCII):
            yield f"{path} has another form than {pattern}: {value[:60]}"
        if shape.enum and value not in shape.enum:
            yield f"{path} is none of {', '.join(shape.enum)}: {value}"
    else:
        yield from _of_parts(call, path, shape, value)


def _of_parts(call: tuple[str, str], path: str, shape: Any, value: Any) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _of_structure(call, f"{path}.", shape, value)
    elif shape.type_name == "list":
        for inner in value:
            yield from _of(call, f"{path}[]", shape.member, inner)
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from _of(call, f"{path}.key", shape.key, key)
            yield from _of(call, f"{path}.{key}", shape.value, inner)
