"""The sandbox's command line: `demo` runs the main job once, `serve` keeps the chain running.

`companions` loads, changes, interrupts and compares the mirror, and walks the intake. `intake`
gives an invoice to it. `load` puts many bills at once through the chain.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

if sys.version_info[:2] != (3, 12):
    sys.exit("The sandbox needs Python 3.12, as the functions do: run it by `make demo`.")

# The functions' import root: what the sandbox shares with them is imported from there.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lambda"))

try:
    from botocore.exceptions import BotoCoreError, ClientError

    from sandbox import demo, intake
    from sandbox import serve as serve_command
    from sandbox.approver import rule
    from sandbox.benchmark import load
    from sandbox.companions import run as companions
    from sandbox.vendors import EVERY_MINUTE, Vendors
except ModuleNotFoundError as missing:
    sys.exit(f"The package {missing.name} is not installed here: run `make venv`, or `make demo`.")


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LAST_PORT = 65_535
_COMPANIONS = (
    "Covers the mirror: it is loaded, Odoo is changed at random, Odoo fails in the middle of a run,"
    " and each time every served field of every record is compared with Odoo. Each change must"
    " reach the webhook's endpoint, through an outage and another secret. Then every route of the"
    " API is walked, its records are compared too, and schedules fire. An external Odoo is only"
    " read. The exit status is 0 only if nothing differs."
)


class _Parser(argparse.ArgumentParser):
    """Answers a wrong option with one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists the options)\n")


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; returns the exit status."""
    parser = _Parser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo_parser = commands.add_parser("demo", help="run the main job headless, and end")
    _demo_arguments(demo_parser)
    serve = commands.add_parser("serve", help="keep the whole chain running until Ctrl-C")
    serve.add_argument("--port", type=_port, default=8700, help="of the page (default 8700)")
    beside = commands.add_parser(
        "companions",
        help="load, change, interrupt and compare the mirror, and end",
        description=_COMPANIONS,
    )
    _companions_arguments(beside)
    serve.add_argument(
        "--mirror",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep a copy of Odoo's records and of a second Odoo's (default: yes)",
    )
    taken = commands.add_parser("intake", help="give an invoice to the intake, and print its way")
    taken.add_argument("file", type=Path, help="such as samples/invoice.json")
    taken.add_argument("--print", action="store_true", help="only print it, with its dates made")
    heavy = commands.add_parser("load", help="many bills at once, with vendors at their limits")
    heavy.add_argument("--bills", type=_number, default=2000, help="in one extraction")
    heavy.add_argument("--approvals", type=_number, default=500, help="of them (about)")
    given = parser.parse_args(arguments)
    work = _work(given, {"demo": demo_parser, "companions": beside})
    for stopping in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stopping, _interrupt)  # also where a shell started us with SIGINT ignored
    try:
        status = work()
    except KeyboardInterrupt:
        say("stopped")
        return 130
    except (RuntimeError, OSError, BotoCoreError, ClientError) as error:
        say(f"The sandbox stopped: {error}")
        return 1
    return status


def _work(
    given: argparse.Namespace, parsers: Mapping[str, argparse.ArgumentParser]
) -> Callable[[], int]:
    """What the command line asks for; options that do not go together end the program here."""
    match given.command:
        case "serve":
            vendors = Vendors(mirror_rate=EVERY_MINUTE if given.mirror else "")
            return partial(serve_command.run, given.port, vendors, say)
        case "load":
            asked = load.Load(bills=given.bills, approvals=max(1, given.approvals))
            return partial(load.run, asked, say)
        case "intake":
            return partial(intake.run, given.file, say, only_print=given.print)
        case "companions":
            return partial(companions.run, _trial(given, parsers["companions"]), say)
    return partial(demo.run, _job(given, parsers["demo"]), say)


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bills", type=_number, default=0, metavar="N", help="add N copies")
    parser.add_argument("--approve", default="all", type=_rule, help="all, none or every:K")
    _common_arguments(parser)
    others = parser.add_argument_group("other stand-ins for Slack and QuickBooks")
    others.add_argument("--slack-url", default="", type=_address, metavar="URL")
    others.add_argument("--quickbooks-url", default="", type=_address, metavar="URL")
    others.add_argument("--quickbooks-oauth-url", default="", type=_address, metavar="URL")


def _common_arguments(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there")
    parser.add_argument("--trace", type=Path, metavar="DIR", help="write the traffic there")
    odoo = parser.add_argument_group("a real Odoo instead of the simulator")
    odoo.add_argument("--odoo-url", default="", type=_address, metavar="BASE")
    odoo.add_argument("--odoo-db", default="odoo")
    odoo.add_argument("--odoo-user", default="ap-bot@example.com")
    odoo.add_argument(
        "--odoo-api-key",
        default=os.environ.get("ODOO_API_KEY", "sandbox-odoo-key"),
        help="better given in the variable ODOO_API_KEY, which no process list shows",
    )
    return odoo


def _companions_arguments(parser: argparse.ArgumentParser) -> None:
    odoo = _common_arguments(parser)
    parser.add_argument("--seed", type=_number, default=1, help="of the random changes")
    odoo.add_argument(
        "--odoo-password",
        default="",
        help="in place of the API key; the mirror then also opens a session with it. Better given"
        " in the variable ODOO_PASSWORD",
    )


def _rule(text: str) -> str:
    try:
        rule(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port: a number up to {_LAST_PORT}")
    return int(text)


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a stray bracket or an invalid port
        is_whole = False
    if text and not is_whole:
        raise argparse.ArgumentTypeError(f"{text} is not an address such as http://127.0.0.1:8069")
    return text


def _job(given: argparse.Namespace, parser: argparse.ArgumentParser) -> demo.Job:
    if given.bills and given.odoo_url:
        parser.error("--bills adds copies to the simulated Odoo: it does not go with --odoo-url")
    if given.quickbooks_oauth_url and not given.quickbooks_url:
        parser.error("--quickbooks-oauth-url belongs to --quickbooks-url: give both")
    _check_files(given, parser)
    vendors = Vendors(
        odoo_url=given.odoo_url,
        odoo_db=given.odoo_db,
        odoo_user=given.odoo_user,
        odoo_api_key=given.odoo_api_key,
        slack_url=given.slack_url,
        quickbooks_url=given.quickbooks_url,
        quickbooks_oauth_url=given.quickbooks_oauth_url,
        trace=given.trace,
        copies=given.bills,
    )
    return demo.Job(vendors=vendors, approve=given.approve, json_file=given.json)


def _trial(given: argparse.Namespace, parser: argparse.ArgumentParser) -> companions.Job:
    if given.odoo_password and not given.odoo_url:
        parser.error("--odoo-password belongs to --odoo-url: give both")
    _check_files(given, parser)
    password = given.odoo_password or (given.odoo_url and os.environ.get("ODOO_PASSWORD", ""))
    vendors = Vendors(
        odoo_url=given.odoo_url,
        odoo_db=given.odoo_db,
        odoo_user=given.odoo_user,
        odoo_api_key=password or given.odoo_api_key,
        by_session=bool(password),
        mirror_rate=EVERY_MINUTE,
        schedules=False,  # only the runs that are counted
        trace=given.trace,
    )
    return companions.Job(vendors=vendors, json_file=given.json, seed=given.seed)


def _check_files(given: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if given.json and given.json.is_dir():
        parser.error(f"--json names a file to write, and {given.json} is a folder")
    if given.trace and given.trace.exists() and not given.trace.is_dir():
        parser.error(f"--trace names a folder to write to, and {given.trace} is a file")
    if given.json:
        try:  # now, because at the end it would hide the result
            given.json.parent.mkdir(parents=True, exist_ok=True)
            given.json.touch()
        except OSError as error:
            parser.error(f"--json cannot be written: {error}")


def _interrupt(*_: object) -> None:
    """Stop at the first signal; ignore further ones while stopping."""
    for stopping in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stopping, signal.SIG_IGN)
    say("stopping everything")
    raise KeyboardInterrupt


_started = time.monotonic()


def say(line: str) -> None:
    """A line for the person at the terminal, with the seconds since the start."""
    print(f"{time.monotonic() - _started:6.1f}  {line}" if line else "", flush=True)


if __name__ == "__main__":
    sys.exit(main())
