"""An ERP connection's session in its secret, which Terraform makes empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import boto3
import pytest
from moto import mock_aws

from odoo_qb.store.erp_session import SecretSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_secretsmanager import SecretsManagerClient

NAME: Final = "odoo-erp-session-test/ledger"


@pytest.fixture
def secrets() -> Iterator[SecretsManagerClient]:
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-west-2")
        client.create_secret(Name=NAME)
        yield client


def test_a_session_is_kept_between_starts_once_there_is_one(secrets: SecretsManagerClient) -> None:
    assert SecretSession(secrets, NAME).load() == ""

    SecretSession(secrets, NAME).save("a-cookie")

    assert SecretSession(secrets, NAME).load() == "a-cookie"


def test_a_secret_without_a_text_holds_no_session(secrets: SecretsManagerClient) -> None:
    """An emulator of AWS answers so where a secret is empty."""
    secrets.put_secret_value(SecretId=NAME, SecretBinary=b"binary")

    assert SecretSession(secrets, NAME).load() == ""


def test_a_secret_that_is_not_there_only_means_signing_in(secrets: SecretsManagerClient) -> None:
    nowhere = SecretSession(secrets, "odoo-erp-session-test/nowhere")

    nowhere.save("a-cookie")

    assert nowhere.load() == ""
