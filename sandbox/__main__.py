"""The sandbox's command line: `demo` runs the main job once, `serve` keeps the chain running."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

# The functions' import root: what the sandbox shares with them is imported from there.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lambda"))

from sandbox import aws, chain, demo
from sandbox.approver import rule
from sandbox.chain import Vendors


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _demo_arguments(commands.add_parser("demo", help="run the main job headless, and end"))
    serve = commands.add_parser("serve", help="keep the whole chain running until Ctrl-C")
    serve.add_argument("--port", type=int, default=8700, help="of the web page")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _demo(given) if given.command == "demo" else _serve()
    except KeyboardInterrupt:
        say("stopped")
        return 130
    except (aws.EmulatorError, aws.TerraformError, RuntimeError, OSError) as error:
        say(f"The sandbox could not go on: {error}")
        return 1


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bills", type=int, default=0, metavar="N", help="add N copies of bills")
    parser.add_argument("--approve", default="all", type=_rule, help="all, none or every:K")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there")
    parser.add_argument("--trace", type=Path, metavar="DIR", help="write the traffic there")
    odoo = parser.add_argument_group("a real Odoo instead of the simulator")
    odoo.add_argument("--odoo-url", default="", metavar="BASE")
    odoo.add_argument("--odoo-db", default="odoo")
    odoo.add_argument("--odoo-user", default="ap-bot@example.com")
    odoo.add_argument("--odoo-api-key", default=os.environ.get("ODOO_API_KEY", "sandbox-odoo-key"))
    others = parser.add_argument_group("other stand-ins for Slack and QuickBooks")
    others.add_argument("--slack-url", default="", metavar="URL")
    others.add_argument("--quickbooks-url", default="", metavar="URL")
    others.add_argument("--quickbooks-oauth-url", default="", metavar="URL")


def _rule(text: str) -> str:
    try:
        rule(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _demo(given: argparse.Namespace) -> int:
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
    return demo.run(demo.Job(vendors=vendors, approve=given.approve, json_file=given.json), say)


def _serve() -> int:
    with chain.start(Vendors(), say) as running:
        say("")
        for name, address in running.addresses.items():
            say(f"{name:<11} {address}")
        say(f"{'AWS':<11} {running.emulator.url}")
        url = running.emulator.function_url(running.outputs["approval_handler_url"])
        say(f"{'clicks':<11} {url}")
        say("Ctrl-C stops all of it.")
        threading.Event().wait()
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


_started = time.monotonic()


def say(line: str) -> None:
    """A line for the person at the terminal, with the seconds since the start."""
    print(f"{time.monotonic() - _started:6.1f}  {line}" if line else "", flush=True)


if __name__ == "__main__":
    sys.exit(main())
