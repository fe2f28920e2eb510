"""The chain kept running until somebody stops it, with a page that says where everything is."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from sandbox import chain
from sandbox.chain import SetupError, Vendors, is_free
from sandbox.serving import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from sandbox.chain import Chain


def run(port: int, say: Callable[[str], None]) -> int:
    """Start the chain, say its addresses, and wait for a signal."""
    if not is_free(port):
        raise SetupError(f"Port {port} is taken by another program: choose one with --port.")
    with chain.start(Vendors(), say) as running, serve(_page(addresses(running)), port) as page:
        say("")
        for name, address in {"page": page.url, **addresses(running)}.items():
            say(f"{name:<10} {address}")
        for name, value in running.emulator.environment().items():
            if name.startswith("AWS_"):
                say(f"export {name}={value}")
        say("Ctrl-C stops all of it.")
        threading.Event().wait()
    return 0


def addresses(running: Chain) -> dict[str, str]:
    """Where the parts of a running chain listen."""
    clicks = running.emulator.function_url(running.outputs["approval_handler_url"])
    return {
        **running.addresses,
        "aws": running.emulator.url,
        "clicks": clicks,
        "e-mails": str(running.emulator.outbox),
    }


def _page(places: Mapping[str, str]) -> WSGIApplication:
    """A page of addresses: the room for what a person can click."""
    rows = "".join(f"<dt>{escape(n)}<dd>{escape(place)}" for n, place in places.items())
    html = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Vendor bills: the sandbox</title>"
        f"<h1>The sandbox is running</h1><dl>{rows}</dl>"
    )

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return Response(html, mimetype="text/html")(environ, start_response)

    return application
