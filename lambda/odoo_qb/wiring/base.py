"""What every function is built from; each part is made once, when first needed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3

from odoo_qb import metric, settings
from odoo_qb.store.alerts import Alerts
from odoo_qb.store.companies import load_companies
from odoo_qb.store.documents import Documents
from odoo_qb.store.queue import ApprovedQueue
from odoo_qb.store.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.config import Config

    from odoo_qb.company import Company


class Wiring:
    """The parts that functions have in common.

    `config` is botocore's for all clients, `s3_config` replaces it for S3.
    """

    def __init__(self, *, config: Config | None = None, s3_config: Config | None = None) -> None:
        self._clock: Callable[[], datetime] = _utc_now
        self._sleep: Callable[[float], None] = time.sleep
        self._config = config
        self._s3_config = s3_config
        self._clients: dict[str, Any] = {}
        self._lock = Lock()  # a session must not make two clients at once

    def use(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """Take the time from another clock, or wait in another way, where time isn't real.

        `clock` returns the time in UTC, `sleep` takes seconds. Parts already made use them too.
        """
        self._clock = clock or self._clock
        self._sleep = sleep or self._sleep

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._clock()

    def wait(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - its `client` is typed by literal names only
        """One session: each new one would load AWS's endpoints and models again."""
        return boto3.Session()

    def client(self, name: str, config: Config | None = None) -> Any:  # noqa: ANN401 - boto3
        """An AWS client by its name, such as "dynamodb"; `config` replaces the usual one."""
        with self._lock:
            if name not in self._clients:
                usual = self._s3_config if name == "s3" else self._config
                self._clients[name] = self._session.client(name, config=config or usual)
            return self._clients[name]

    @property
    def made(self) -> tuple[str, ...]:
        """The clients that were made."""
        return tuple(self._clients)

    def secret(self, variable: str) -> dict[str, Any]:
        """The secret whose ARN is in an environment variable."""
        return settings.secret(self.client("secretsmanager"), settings.environment(variable))

    @cached_property
    def table(self) -> Table:
        """The bills' table."""
        name = settings.environment("DYNAMODB_TABLE")
        return Table(self.client("dynamodb"), name, retention=settings.retention())

    @cached_property
    def documents(self) -> Documents:
        """The bucket."""
        return Documents(self.client("s3"), settings.environment("S3_BUCKET"))

    @cached_property
    def queue(self) -> ApprovedQueue:
        """The queue of approved bills."""
        return ApprovedQueue(client=self.client("sqs"), url=settings.environment("SQS_QUEUE_URL"))

    @cached_property
    def companies(self) -> dict[str, Company]:
        """The companies by key."""
        return load_companies(self.table, settings.optional("SETTINGS_TABLE"))

    def alerts(self, note_id: str) -> Alerts:
        """E-mails to the operator; what was last mailed is kept in the note `note_id`."""
        topic = settings.environment("SNS_ALERT_TOPIC")
        return Alerts(self.client("sns"), topic, self.table, note_id)

    def count(self, name: str, value: float, **about: str) -> None:
        """Write a CloudWatch metric; `about` goes beside it in the log."""
        namespace = settings.environment("POWERTOOLS_METRICS_NAMESPACE")
        metric.put(namespace, self.now(), name, value, **about)

    def forget(self) -> None:
        """Make every part again when it is next needed, as a cold start does."""
        self._clients.clear()
        made = [n for n in vars(self) if isinstance(getattr(type(self), n, None), cached_property)]
        for name in made:
            delattr(self, name)


def _utc_now() -> datetime:
    return datetime.now(UTC)
