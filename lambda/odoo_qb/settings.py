"""What Terraform gives a function: its environment and its secrets."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from odoo_qb.errors import Misconfigured

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def environment(name: str) -> str:
    """The value of a required environment variable."""
    value = os.environ.get(name, "")
    if not value:
        raise Misconfigured(f"The environment variable {name} is not set. Apply Terraform again.")
    return value


def optional(name: str) -> str:
    """The value of an optional environment variable; "" if it is not set."""
    return os.environ.get(name, "")


def retention() -> timedelta:
    """How long the table keeps a bill after its end; no approval is requested for older ones."""
    return timedelta(days=int(environment("RECORD_RETENTION_DAYS")))


def secret(client: SecretsManagerClient, arn: str) -> dict[str, Any]:
    """The JSON object in a secret of Secrets Manager."""
    text: str = client.get_secret_value(SecretId=arn)["SecretString"]
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        name = arn.rsplit(":", 1)[-1]
        raise Misconfigured(f"The secret {name} is not a JSON object. Apply Terraform again.")
    return value
