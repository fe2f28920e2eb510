"""What the mirror is built from."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from odoo_qb import settings
from odoo_qb.errors import Misconfigured, Unavailable
from odoo_qb.mirror.connections import DEFAULT, ErpConnection, parse_connections
from odoo_qb.mirror.scheduled import ScheduledRuns
from odoo_qb.mirror.sync import Syncing
from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.failures import SettingNames
from odoo_qb.odoo.source import OdooSource
from odoo_qb.public_http import PublicSession, networks
from odoo_qb.store.erp_session import SecretSession
from odoo_qb.store.schedule_items import ScheduleItems
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.wiring.base import Wiring
from odoo_qb.wiring.schedules import TARGET, kept_schedules

if TYPE_CHECKING:
    from collections.abc import Callable


class MirrorWiring(Wiring):
    """The parts of the mirror."""

    @cached_property
    def mirrored(self) -> SortedTable:
        """The mirror's table."""
        name = settings.environment("MIRROR_TABLE")
        return SortedTable(self.client("dynamodb"), name, sleep=self.wait)

    @cached_property
    def erps(self) -> dict[str, ErpConnection]:
        """The configured connections by id, beside the flow's own."""
        return parse_connections(settings.optional("ERP_CONNECTIONS"))

    @cached_property
    def connections(self) -> tuple[str, ...]:
        """The ids of all connections, the flow's own first."""
        return (DEFAULT, *self.erps)

    @cached_property
    def _sources(self) -> dict[str, OdooSource]:
        return {}

    def source(self, connection: str) -> OdooSource:
        """A connection's source, for the next run."""
        if connection not in self._sources:
            self._sources[connection] = self._source(connection)
        source = self._sources[connection]
        source.refresh()
        return source

    def syncing(self, seconds_left: Callable[[], float]) -> Syncing:
        """A run over connections that has so many seconds."""
        return Syncing(
            table=self.mirrored,
            source=self.source,
            connections=self.connections,
            clock=self.now,
            seconds_left=seconds_left,
        )

    @cached_property
    def scheduled(self) -> ScheduledRuns:
        """Runs that a schedule of the API may have started."""
        return ScheduledRuns(items=ScheduleItems(self.mirrored), clock=self.now)

    def repair_schedules(self) -> list[str]:
        """Repair all schedules of the API, if there is one; a sentence for each that can't be."""
        if not settings.optional(TARGET):
            return []
        try:
            return kept_schedules(self, self.mirrored).repair(thoroughly=True)
        except (Misconfigured, Unavailable) as error:
            return [str(error)]

    def _source(self, connection: str) -> OdooSource:
        allowed = networks(settings.optional("ALLOWED_PRIVATE_NETWORKS"))
        client = partial(OdooClient, sleep=self.wait, session=PublicSession(allowed))
        if connection == DEFAULT:
            secret = self.secret("ODOO_SECRET_ARN")
            return OdooSource(
                client(
                    url=settings.environment("ODOO_API_URL"),
                    database=secret["database"],
                    username=secret["username"],
                    api_key=secret["api_key"],
                )
            )
        erp = self.erps[connection]
        credential = str(self._credentials.get(connection, ""))
        if not credential:
            raise Misconfigured(f"erp_credentials has none for {connection}. Add it and apply.")
        names = SettingNames(
            url=f"erp_connections.{connection}.url",
            database=f"erp_connections.{connection}.database",
            username=f"erp_connections.{connection}.username",
            api_key=f"erp_credentials.{connection}",
            password=f"erp_credentials.{connection}",
        )
        odoo = client(
            setting_names=names,
            url=erp.url,
            database=erp.database,
            username=erp.username,
            auth=erp.auth,
            **self._key(erp, credential),
        )
        return OdooSource(odoo, erp.companies)

    def _key(self, erp: ErpConnection, credential: str) -> dict[str, Any]:
        if erp.auth == "api_key":
            return {"api_key": credential}
        secret_id = settings.environment("ERP_SESSION_SECRET_PREFIX") + erp.connection_id
        kept = SecretSession(self.client("secretsmanager"), secret_id)
        return {"password": credential, "sessions": kept}

    @cached_property
    def _credentials(self) -> dict[str, Any]:
        return self.secret("ERP_SECRET_ARN")
