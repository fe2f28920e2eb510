"""The session of an ERP connection in a secret of its own: it opens the ERP like a password."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretSession:
    """A cookie in Secrets Manager; where it cannot be read or kept, the next start signs in."""

    def __init__(self, client: SecretsManagerClient, secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id

    def load(self) -> str:
        """The cookie that was saved last; "" for none."""
        with suppress(ClientError):
            answer = self._client.get_secret_value(SecretId=self._secret_id)
            return answer.get("SecretString", "")
        return ""

    def save(self, cookie: str) -> None:
        """Keep a new cookie in place of the last."""
        with suppress(ClientError):
            self._client.put_secret_value(SecretId=self._secret_id, SecretString=cookie)
