"""The companions from end to end: load, compare, change, interrupt, and compare each time."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.source import OdooSource
from odoo_qb.store.sorted_table import SortedTable
from sandbox import chain
from sandbox.companions import report as companions_report
from sandbox.companions.api_part import ApiPart
from sandbox.companions.comparison import compare, simulated_ids, stored_ids
from sandbox.companions.crm import org_ids, org_source
from sandbox.companions.intake_walk import IntakeWalk
from sandbox.companions.mirror_runs import MirrorRuns
from sandbox.companions.webhook_part import WebhookPart
from sandbox.http_server import serve
from sandbox.odoo.changes import Changes
from sandbox.run_report import counted
from sandbox.vendors import CRM, LEDGER, SESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from odoo_qb.salesforce.source import SalesforceSource
    from odoo_qb.sources import Kind
    from sandbox.chain import Chain
    from sandbox.companions.comparison import Comparison
    from sandbox.odoo.server import Odoo
    from sandbox.vendors import Vendors

Json = dict[str, Any]

_CHANGES: Final = 50  # to each simulator, before each of two comparisons
_REFUSED: Final = 3  # requests, one more than the client tries again: a run fails in the middle
_STEPS: Final = ("setup", "load", "changes", "outage", "compare", "webhook", "api", "intake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The options of `companions` from the command line."""

    vendors: Vendors
    json_file: Path | None = None
    seed: int = 1


def run(job: Job, say: Callable[[str], None]) -> int:
    """Run the job and report; 0 if the mirror was equal to Odoo each time, else 1.

    The JSON file is always written; `error` is what stopped the run, if something did.
    """
    report: Json = {
        "mirror": {},
        "webhook": {},
        "api": {},
        "schedules": {},
        "intake": {},
        "calls": {"odoo": 0, "dynamodb": 0},
        "seconds": dict.fromkeys(_STEPS, 0.0),
    }
    try:
        started = time.monotonic()
        with chain.start(job.vendors, say) as running, _originals(running, job.vendors) as odoos:
            runs = MirrorRuns(invoke=partial(chain.invoke, running, "mirror"), say=say)
            webhook = WebhookPart(
                running=running,
                runs=runs,
                odoos={name: o.simulator for name, o in odoos.items() if o.simulator},
                invoke=partial(chain.invoke, running),
                say=say,
                report=report["webhook"],
            )
            trial = _Trial(
                running=running,
                odoos=odoos,
                runs=runs,
                webhook=webhook,
                say=say,
                report=report,
                seed=job.seed,
            )
            report["seconds"]["setup"] = round(time.monotonic() - started, 1)
            api = ApiPart(running=running, say=say)
            api.start()
            trial.run()
            with trial.timed("webhook"):
                webhook.walk()
            trial.trouble += webhook.trouble
            with trial.timed("api"):
                api.finish(odoos)
            trial.count_calls()
            report |= api.report
            trial.trouble += api.trouble
            intake = IntakeWalk(running=running, say=say)
            with trial.timed("intake"):
                intake.walk()
            report["intake"] = intake.counts
            trial.trouble += intake.trouble
            say("stopping")
    except BaseException as error:
        report["error"] = str(error) or "stopped"
        raise
    finally:
        if job.json_file:
            job.json_file.write_text(json.dumps(report, indent=2) + "\n")
    lines = companions_report.summary(report, trial.stages, trial.trouble)
    print(*lines, sep="\n", flush=True)
    return 1 if trial.trouble else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Original:
    """One connection's ERP, reached past the recorder; `simulator` is its Odoo if it has one."""

    source: OdooSource | SalesforceSource
    ids: Callable[[Kind], Iterable[int]]
    simulator: Odoo | None
    is_external: bool = False


@contextmanager
def _originals(running: Chain, vendors: Vendors) -> Iterator[dict[str, _Original]]:
    """What each connection's mirror must be equal to, by connection."""
    with ExitStack() as stack:

        def simulated(odoo: Odoo) -> _Original:
            user = next(iter(odoo.users.values()))
            client = OdooClient(
                url=stack.enter_context(serve(odoo)).url,
                database=odoo.database,
                username=user.login,
                api_key=user.api_key,
            )
            ids = simulated_ids(odoo)
            return _Original(source=OdooSource(client), ids=ids, simulator=odoo)

        def external(**key: Any) -> _Original:  # noqa: ANN401 - the client's arguments
            client = OdooClient(
                url=vendors.odoo_url, database=vendors.odoo_db, username=vendors.odoo_user, **key
            )
            source = OdooSource(client)

            def ids(kind: Kind) -> Iterator[int]:
                return (number for page in source.ids(kind) for number in page)

            return _Original(source=source, ids=ids, simulator=None, is_external=True)

        key = vendors.odoo_api_key
        found = {"odoo": simulated(running.odoo) if running.odoo else external(api_key=key)}
        if vendors.by_session:
            found[SESSION] = external(auth="session", password=key)
        if running.ledger:
            found[LEDGER] = simulated(running.ledger)
        if running.crm:
            client = running.emulator.client("dynamodb")
            table = SortedTable(client, running.outputs["mirror_table"])
            url = stack.enter_context(serve(running.crm)).url
            source = org_source(url, table, CRM)
            ids = org_ids(running.crm, table, CRM)
            found[CRM] = _Original(source=source, ids=ids, simulator=None)
        yield found


@dataclass(slots=True, kw_only=True)
class _Trial:
    """The steps of a run, on a chain that stands."""

    running: Chain
    odoos: dict[str, _Original]
    runs: MirrorRuns
    webhook: WebhookPart
    say: Callable[[str], None]
    report: Json
    seed: int
    trouble: list[str] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    _compared: list[dict[str, Comparison]] = field(default_factory=list)
    _wrong: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Take every step; what is wrong is in `trouble`."""
        with self.timed("load"):
            self.say("loading the mirror")
            self._expect_well(self.runs.until_complete())
        self.webhook.begin()
        self._compare("after the first load")
        simulators = {name: o.simulator for name, o in self.odoos.items() if o.simulator}
        changes = [
            Changes(odoo, seed=self.seed + number)
            for number, odoo in enumerate(simulators.values())
        ]
        with self.timed("changes"):
            what = self._change(changes)
            runs = self.runs.until_complete()
            self._expect_well(runs)
        self._compare(f"after {what}")
        with self.timed("outage"):
            self._interrupt(changes, runs)
            self.say("running once more, with Odoo up again")
            self._expect_well(self.runs.until_complete())
        self._compare("after an outage in the middle of a run")

    def _change(self, changes: Sequence[Changes], *, timed: bool = True) -> str:
        """Change the simulated Odoos as people do; says what was done."""
        made_at = datetime.now(UTC)
        done = [change for one in changes for change in one.make(_CHANGES)]
        deleted = sum(c.action.startswith(("delete", "merge")) for c in done)
        what = f"{counted(len(done), 'random change')} ({counted(deleted, 'deletion')})"
        self.say(f"making {what}")
        self.webhook.look(made_at, timed=timed)
        return what

    def _interrupt(self, changes: Sequence[Changes], last: Sequence[Json]) -> None:
        """Change more, and let each Odoo fail in the middle of the run that reads it."""
        self._change(changes, timed=False)
        outages = self.running.outages
        for connection, outage in outages.items():
            calls = sum(run["calls"] for run in last if run["connection"] == connection)
            outage.plan(after=calls // 2, requests=_REFUSED)
        if self.running.ledger:
            self.running.ledger.expire_sessions()
        # An external Odoo did not change: only reading all of it takes long enough.
        full = any(odoo.is_external for odoo in self.odoos.values())
        failed = [run for run in self.runs.once(full=full) if run.get("error")]
        self.say(f"outage: {counted(len(failed), 'run')} failed")
        for connection, outage in outages.items():
            if not outage.refused:
                self.trouble.append(f"{connection}: the outage did not meet the mirror.")
            outage.end()

    def _expect_well(self, runs: Sequence[Json]) -> None:
        for run in runs:
            where = f"{run['connection']} {run['kind']}"
            if run.get("error"):
                self.trouble.append(f"{where}: {run['error']}")
            elif not run["complete"]:
                self.trouble.append(f"{where}: the mirror did not complete it.")
            for note in run.get("notes", ()):
                self.say(f"note on {where}: {note}")

    # -- comparing ---------------------------------------------------------------------------------

    def _compare(self, stage: str) -> None:
        """Compare everything; differences that were found before are not repeated."""
        with self.timed("compare"):
            client, name = self._dynamodb()
            stored = stored_ids(client, name)
            table = SortedTable(client, name)
            found = {}
            for connection, odoo in self.odoos.items():
                odoo.source.refresh()
                found[connection] = compare(
                    connection, odoo.source, table, stored.get(connection, {}), odoo.ids
                )
        sentences = [s for one in found.values() for s in one.sentences]
        self.trouble += [f"{s} ({stage})" for s in sentences if s not in self._wrong]
        self._wrong.update(sentences)
        self._compared.append(found)
        self.stages.append(stage)
        self.report["mirror"] = companions_report.mirror(self._compared)
        self.count_calls()
        records = sum(one.records for one in found.values())
        equal = counted(len(sentences), "difference") if sentences else "equal in every field"
        self.say(f"{stage}: {counted(records, 'record')} compared, {equal}")

    def count_calls(self) -> None:
        """What the mirror has asked for up to now."""
        self.report["calls"] = {
            "odoo": sum(len(self.running.recorders[o].exchanges) for o in self.running.outages),
            "dynamodb": self.runs.dynamodb_calls,
        }

    def _dynamodb(self) -> tuple[Any, str]:
        return self.running.emulator.client("dynamodb"), self.running.outputs["mirror_table"]

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add what it takes to the report's seconds."""
        started = time.monotonic()
        try:
            yield
        finally:
            seconds = self.report["seconds"]
            seconds[step] = round(seconds[step] + time.monotonic() - started, 1)
