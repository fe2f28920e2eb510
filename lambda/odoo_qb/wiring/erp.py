"""The connections to ERPs, as the mirror and the API reach them: each client is made once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from odoo_qb import settings
from odoo_qb.errors import Misconfigured, Refused
from odoo_qb.mirror.connections import DEFAULT, SALESFORCE, ErpConnection, parse_connections
from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.failures import SettingNames
from odoo_qb.odoo.source import OdooSource
from odoo_qb.public_http import PublicSession, networks
from odoo_qb.salesforce.client import SalesforceClient
from odoo_qb.salesforce.failures import SettingNames as SalesforceNames
from odoo_qb.salesforce.mapping import parse_mapping
from odoo_qb.salesforce.source import SalesforceSource
from odoo_qb.store.erp_session import SecretSession
from odoo_qb.store.source_numbers import SourceNumbers

if TYPE_CHECKING:
    from odoo_qb.http_session import HttpSession
    from odoo_qb.store.sorted_table import SortedTable
    from odoo_qb.wiring.base import Wiring

ErpSource = OdooSource | SalesforceSource


class ErpParts:
    """What is built for connections; Misconfigured where one lacks its credential.

    `table` is the mirror's, in which the ids of Salesforce get their numbers.
    """

    def __init__(self, wiring: Wiring, table: SortedTable) -> None:
        self._wiring = wiring
        self._table = table
        self._clients: dict[str, OdooClient] = {}
        self._sources: dict[str, ErpSource] = {}

    @cached_property
    def configured(self) -> dict[str, ErpConnection]:
        """The configured connections by id, beside the flow's own."""
        return parse_connections(settings.optional("ERP_CONNECTIONS"))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of all connections, the flow's own first."""
        return (DEFAULT, *self.configured)

    def source(self, connection: str) -> ErpSource:
        """A connection's source, for the next run."""
        if connection not in self._sources:
            self._sources[connection] = self._source(connection)
        source = self._sources[connection]
        source.refresh()
        return source

    def odoo(self, connection: str) -> OdooClient:
        """The client of a connection to Odoo; Refused where it is none."""
        erp = self.configured.get(connection)
        if erp and erp.type == SALESFORCE:
            raise Refused(f"The connection {connection} is a Salesforce. Choose one to an Odoo.")
        if connection not in self._clients:
            self._clients[connection] = self._odoo(connection)
        return self._clients[connection]

    def _source(self, connection: str) -> ErpSource:
        erp = self.configured.get(connection)
        if erp and erp.type == SALESFORCE:
            numbers = SourceNumbers(self._table, connection)
            return SalesforceSource(self._salesforce(erp), parse_mapping(erp.mapping), numbers)
        return OdooSource(self.odoo(connection), erp.companies if erp else ())

    def _odoo(self, connection: str) -> OdooClient:
        if connection == DEFAULT:
            secret = self._wiring.secret("ODOO_SECRET_ARN")
            return OdooClient(
                url=settings.environment("ODOO_API_URL"),
                database=secret["database"],
                username=secret["username"],
                api_key=secret["api_key"],
                sleep=self._wiring.wait,
                session=self._http(),
            )
        erp = self.configured[connection]
        credential = self._credential(connection)
        return OdooClient(
            url=erp.url,
            database=erp.database,
            username=erp.username,
            auth=erp.auth,
            sleep=self._wiring.wait,
            session=self._http(),
            setting_names=SettingNames(
                url=f"erp_connections.{connection}.url",
                database=f"erp_connections.{connection}.database",
                username=f"erp_connections.{connection}.username",
                api_key=f"erp_credentials.{connection}",
                password=f"erp_credentials.{connection}",
            ),
            **self._key(erp, credential),
        )

    def _salesforce(self, erp: ErpConnection) -> SalesforceClient:
        place = f"erp_connections.{erp.connection_id}"
        return SalesforceClient(
            url=erp.url,
            client_id=erp.client_id,
            client_secret=self._credential(erp.connection_id),
            sleep=self._wiring.wait,
            session=self._http(),
            setting_names=SalesforceNames(
                url=f"{place}.url",
                client_id=f"{place}.client_id",
                client_secret=f"erp_credentials.{erp.connection_id}",
                mapping=f"{place}.mapping",
            ),
        )

    def _http(self) -> HttpSession:
        return PublicSession(networks(settings.optional("ALLOWED_PRIVATE_NETWORKS")))

    def _key(self, erp: ErpConnection, credential: str) -> dict[str, Any]:
        if erp.auth == "api_key":
            return {"api_key": credential}
        secret_id = settings.environment("ERP_SESSION_SECRET_PREFIX") + erp.connection_id
        kept = SecretSession(self._wiring.client("secretsmanager"), secret_id)
        return {"password": credential, "sessions": kept}

    def _credential(self, connection: str) -> str:
        credential = str(self._credentials.get(connection, ""))
        if not credential:
            raise Misconfigured(f"erp_credentials has none for {connection}. Add it and apply.")
        return credential

    @cached_property
    def _credentials(self) -> dict[str, Any]:
        return self._wiring.secret("ERP_SECRET_ARN")
