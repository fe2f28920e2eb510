"""Where the outcome of an invoice is announced: an SNS topic, and mail to the customer by SES."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb.errors import Unavailable
from odoo_qb.store.alerts import subject_of

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class Topic:
    """The intake's SNS topic; subscribers can filter by the attribute `outcome`."""

    def __init__(self, client: SNSClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, subject: str, text: str, outcome: str) -> None:
        """Publish to the topic; Unavailable if SNS did not take it."""
        try:
            self._client.publish(
                TopicArn=self._arn,
                Subject=subject_of(subject),
                Message=text,
                MessageAttributes={"outcome": {"DataType": "String", "StringValue": outcome}},
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"SNS did not take it ({_code(error)}).") from error


class CustomerMail:
    """Mail from the address that the operator has verified in SES; `client` is that of "sesv2"."""

    def __init__(self, client: Any, sender: str) -> None:  # noqa: ANN401 - boto3
        self._client = client
        self._sender = sender

    def send(self, to: str, subject: str, text: str) -> None:
        """Mail one customer; Unavailable if SES did not take it.

        SES answers with the address that it refuses, which belongs in no log.
        """
        try:
            self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {
                        "Subject": {"Data": subject, "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                    }
                },
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"SES did not take the mail ({_code(error)}).") from None


def _code(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
