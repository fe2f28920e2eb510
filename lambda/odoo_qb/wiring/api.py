"""What the API is built from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from botocore.config import Config

from odoo_qb import settings
from odoo_qb.api.access import Access
from odoo_qb.api.app import Api
from odoo_qb.api.checks import Checks
from odoo_qb.api.contract import Contract, load_contract
from odoo_qb.api.health import HealthRoutes
from odoo_qb.api.pages import PageRoutes
from odoo_qb.api.records import RecordRoutes
from odoo_qb.api.schedule_routes import ScheduleRoutes
from odoo_qb.api.tokens import Tokens
from odoo_qb.mirror.connections import DEFAULT, parse_connections
from odoo_qb.store.sign_in_attempts import SignInAttempts
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.wiring.base import Wiring

if TYPE_CHECKING:
    from odoo_qb.api.schedules import Schedules

# The HTTP API gives up after 30 seconds. DynamoDB answers in milliseconds.
AWS: Final = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"}
)


class ApiWiring(Wiring):
    """The parts of the API."""

    def __init__(self) -> None:
        super().__init__(config=AWS)

    def start(self) -> None:
        """Make the clients before the first request: while a function starts, it is fast."""
        if settings.optional("AWS_LAMBDA_FUNCTION_NAME"):
            for name in ("dynamodb", "secretsmanager"):
                self.client(name)

    @cached_property
    def mirrored(self) -> SortedTable:
        """The mirror's table."""
        name = settings.environment("MIRROR_TABLE")
        return SortedTable(self.client("dynamodb"), name, sleep=self.wait)

    @cached_property
    def connections(self) -> tuple[str, ...]:
        """The ids of all connections, the flow's own first."""
        return (DEFAULT, *parse_connections(settings.optional("ERP_CONNECTIONS")))

    @cached_property
    def contract(self) -> Contract:
        """The contract that is served."""
        return load_contract()

    @cached_property
    def tokens(self) -> Tokens:
        """Who may call."""
        return Tokens(lambda: self.secret("API_SECRET_ARN"), self.now)

    @cached_property
    def schedules(self) -> Schedules:
        """The schedules, in the mirror's table and in EventBridge."""
        # Not before a client asks for schedules: the other routes' cold start does without them.
        from odoo_qb.api.schedules import Schedules  # noqa: PLC0415
        from odoo_qb.wiring.schedules import kept_schedules  # noqa: PLC0415

        return Schedules(kept=kept_schedules(self, self.mirrored), clock=self.now)

    @cached_property
    def api(self) -> Api:
        """The API with all its routes."""
        environment = settings.environment("ENVIRONMENT")
        records = RecordRoutes(
            table=self.mirrored, connections=self.connections, contract=self.contract
        )
        health = HealthRoutes(
            table=self.mirrored,
            connections=self.connections,
            environment=environment,
            version=self.contract.version,
            stale_seconds=int(settings.environment("MIRROR_STALE_SECONDS")),
        )
        pages = PageRoutes(
            tokens=self.tokens, attempts=SignInAttempts(self.mirrored), environment=environment
        )
        schedules = ScheduleRoutes(schedules=lambda: self.schedules)
        return Api(
            contract=self.contract,
            checks=Checks(),
            access=Access(tokens=self.tokens, environment=environment),
            handlers={
                **records.handlers(),
                **schedules.handlers(),
                **health.handlers(),
                **pages.handlers(),
            },
            clock=self.now,
        )
