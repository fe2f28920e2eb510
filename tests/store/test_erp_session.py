"""An ERP's session in its secret: kept, found again, and never a reason to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from odoo_qb.store.erp_session import SecretSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_secretsmanager import SecretsManagerClient


@pytest.fixture
def client() -> Iterator[SecretsManagerClient]:
    with mock_aws():
        yield boto3.client("secretsmanager")


def test_a_session_is_found_by_the_next_start(client: SecretsManagerClient) -> None:
    client.create_secret(Name="session")
    SecretSession(client, "session").save("a-cookie")
    SecretSession(client, "session").save("a-later-cookie")

    assert SecretSession(client, "session").load() == "a-later-cookie"


def test_there_is_no_session_before_the_first_sign_in(client: SecretsManagerClient) -> None:
    client.create_secret(Name="session")

    assert SecretSession(client, "session").load() == ""


def test_a_secret_of_bytes_is_no_session(client: SecretsManagerClient) -> None:
    client.create_secret(Name="session", SecretBinary=b"a cookie")

    assert SecretSession(client, "session").load() == ""


def test_a_secret_that_is_gone_stops_nothing(client: SecretsManagerClient) -> None:
    session = SecretSession(client, "session")
    session.save("a-cookie")

    assert session.load() == ""
