"""The page's view of the emulated account: the table, the queues, the runs, the e-mails."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import requests

from odoo_qb.store.attributes import plain
from odoo_qb.store.sorted_table import SortedTable
from sandbox.chain import function_names
from sandbox.page.intake import Executions
from sandbox.page.mirror import own_keys
from sandbox.page.state import Mail, Pipeline, Reply, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.chain import Chain
    from sandbox.page.mirror import OwnItems
    from sandbox.page.state import Json
    from sandbox.slack.payloads import SignedRequest

_BILLS_SECONDS: Final = 0.8  # how old what is shown may be
_REST_SECONDS: Final = 2.5
_MINUTE: Final = timedelta(minutes=1)
_COUNTS: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class EmulatedAws:
    """The account that a running chain has in its emulator; safe to ask from many threads."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        self._began = datetime.now(UTC).replace(second=0, microsecond=0)
        self._clients: dict[str, Any] = {}
        self._items: tuple[float, Sequence[Json]] = (0.0, ())
        self._rest: tuple[float, Pipeline] = (0.0, Pipeline())
        machine = chain.outputs.get("intake_state_machine_arn")
        self._executions = (
            Executions(self._client("stepfunctions"), machine, self._began) if machine else None
        )

    def look(self) -> Pipeline:
        """The state of the pipeline, read again at most as often as a person could notice."""
        with self._lock:
            now = time.monotonic()
            if now > self._items[0]:
                self._items = (now + _BILLS_SECONDS, self._bills())
            if now > self._rest[0]:
                rest = Pipeline(
                    queues=self._queues(),
                    runs=self._runs(),
                    mails=self._mails(),
                    mirror=self._mirror(),
                    executions=self._executions.look() if self._executions else None,
                )
                self._rest = (now + _REST_SECONDS, rest)
            return replace(self._rest[1], items=self._items[1])

    def extract(self) -> Json:
        """Invoke the extractor as a person with the AWS CLI would."""
        answer = self._client("lambda").invoke(
            FunctionName=self._chain.outputs["lambda_function_names"]["extractor"], Payload=b"{}"
        )
        report: Json = json.loads(answer["Payload"].read())
        return report

    def deliver(self, request: SignedRequest) -> Reply:
        """Send a signed request to the Function URL."""
        url = self._chain.emulator.function_url(self._chain.outputs["approval_handler_url"])
        return self._http("POST", url, request.headers, request.body)

    def document(self, url: str) -> Reply:
        """Fetch a pre-signed link."""
        if not self.is_document(url):
            raise ValueError("only links to the sandbox's own documents are opened here")
        return self._http("GET", url, {}, b"")

    def is_document(self, url: str) -> bool:
        """Whether a link leads to the emulator."""
        return url.startswith(f"{self._chain.emulator.url}/")

    def _http(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Reply:
        started = time.monotonic()
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(
                    method,
                    url,
                    headers=headers,
                    data=body,
                    verify=str(self._chain.emulator.ca_bundle),
                    timeout=60,
                )
        except requests.RequestException:
            return Reply(status=HTTPStatus.BAD_GATEWAY, body=b"")
        return Reply(
            status=answer.status_code,
            body=answer.content,
            seconds=time.monotonic() - started,
            content_type=answer.headers.get("Content-Type", ""),
        )

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        if service not in self._clients:
            self._clients[service] = self._chain.emulator.client(service)
        return self._clients[service]

    def _bills(self) -> list[Json]:
        """What is shown of each bill in the table."""
        pages = (
            self._client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self._chain.outputs["dynamodb_table"],
                ProjectionExpression="entry_id, #s, company, cards, quickbooks, problems, #e",
                ExpressionAttributeNames={"#s": "status", "#e": "error"},
            )
        )
        rows = [plain(raw) for page in pages for raw in page["Items"]]
        return [row for row in rows if "status" in row]

    def _queues(self) -> dict[str, int]:
        """Messages in each queue, by its name without the environment."""
        sqs = self._client("sqs")
        found = {}
        for url in sqs.list_queues().get("QueueUrls", ()):
            name = url.rsplit("/", 1)[-1].removesuffix(".fifo").removesuffix("-sandbox")
            counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))
            found[name] = sum(map(int, counts["Attributes"].values()))
        return dict(sorted(found.items()))

    def _runs(self) -> list[Run]:
        """What each function did since the sandbox was started."""
        names = function_names(self._chain.outputs)
        queries = [
            {
                "Id": f"{metric.lower()}{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "FunctionName", "Value": name}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number, name in enumerate(names.values())
            for metric in ("Invocations", "Errors")
        ]
        answer = self._client("cloudwatch").get_metric_data(
            StartTime=self._began,
            EndTime=datetime.now(UTC) + _MINUTE,
            MetricDataQueries=queries,
        )
        found = {result["Id"]: result for result in answer["MetricDataResults"]}
        return [
            Run(
                function=role,
                times=int(sum(found[f"invocations{number}"]["Values"])),
                errors=int(sum(found[f"errors{number}"]["Values"])),
                at=max(found[f"invocations{number}"]["Timestamps"], default=None),
            )
            for number, role in enumerate(names)
        ]

    def _mirror(self) -> OwnItems:
        """The mirror's own items; none while it is off."""
        outputs = self._chain.outputs
        if not outputs.get("mirror_table"):
            return {}
        table = SortedTable(self._client("dynamodb"), outputs["mirror_table"])
        rows = table.get_many(own_keys(outputs["mirror_connections"]))
        return {(row["pk"], row["sk"]): row for row in rows}

    def _mails(self) -> list[Mail]:
        """The e-mails sent, newest first."""
        outbox = self._chain.emulator.outbox
        lines = outbox.read_text(encoding="utf-8").splitlines() if outbox.exists() else []
        sent = [json.loads(line) for line in reversed(lines)]
        return [Mail(to=m["to"], subject=m["subject"] or "", text=m["message"]) for m in sent]
