"""The chain kept running until it is stopped, with a page to click on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import chain
from sandbox.aws.run_directory import EmulatorError
from sandbox.http_server import refused, serve
from sandbox.page.app import page
from sandbox.prerequisites import SetupError
from sandbox.vendors import API_TOKEN, WEBHOOK_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.emulator import Emulator
    from sandbox.chain import Chain
    from sandbox.vendors import Vendors


def run(port: int, vendors: Vendors, say: Callable[[str], None]) -> int:
    """Start the chain, print its addresses, and wait for a signal."""
    if why_not := refused(port):
        raise SetupError(f"Port {port} {why_not}: choose another one with --port.")
    with (
        chain.start(vendors, say) as running,
        serve(page(running, addresses(running)), port) as shown,
    ):
        for unread in chain.read_quickbooks(running):
            say(f"PROBLEM: {unread}")
        say("")
        for name, address in {"page": shown.url, **addresses(running)}.items():
            say(f"{name:<10} {address}")
        for line in [*exports(running.emulator), *companion_exports(running)]:
            say(line)
        say("Ctrl-C stops everything.")
        watch(running.emulator)
    return 0


def exports(emulator: Emulator) -> list[str]:
    """What to paste into a shell, so that the AWS CLI talks to this sandbox and to nothing else."""
    return [
        f"export {name}={value}"
        for name, value in emulator.environment().items()
        if name.startswith("AWS_")
    ]


def companion_exports(running: Chain) -> list[str]:
    """What the examples of the API, webhook and intake read; none while the mirror is off.

    curl and requests trust the emulator's certificate, and in that shell no other.
    """
    api = chain.api_address(running)
    if not api:
        return []
    values = {
        "ADDRESS": api,
        "TOKEN": API_TOKEN,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STATE_MACHINE": running.outputs["intake_state_machine_arn"],
        "CURL_CA_BUNDLE": running.emulator.ca_bundle,
        "REQUESTS_CA_BUNDLE": running.emulator.ca_bundle,
    }
    return [f"export {name}={value}" for name, value in values.items()]


def watch(emulator: Emulator) -> None:
    """Wait while the emulator runs: without it no click arrives."""
    emulator.process.wait()
    log = emulator.run_dir / "emulator.log"
    raise EmulatorError(f"The AWS emulator stopped unexpectedly. See {log}, then start again.")


def addresses(running: Chain) -> dict[str, str]:
    """Where the parts of a running chain listen, and the token with which to open the API."""
    clicks = running.emulator.function_url(running.outputs["approval_handler_url"])
    api = chain.api_address(running)
    return {
        **running.addresses,
        **({"api": f"{api}/docs", "api token": API_TOKEN} if api else {}),
        "aws": running.emulator.url,
        "clicks": clicks,
        "e-mails": str(running.emulator.outbox),
    }
