"""The internals of the one version of MiniStack that we fix, and how one of them is replaced."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

VERSION: Final = "1.5.33"


def replace(module: ModuleType, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Put `function` in the place of an internal one and return that; it must be there."""
    before: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(before):
        raise SystemExit(f"MiniStack {VERSION} has no {module.__name__}.{name} to fix.")
    setattr(module, name, function)
    return before


def service(name: str) -> ModuleType:
    """A service of MiniStack."""
    return import_module(f"ministack.services.{name}")


def request_scope() -> Callable[..., Any]:
    """What acts for an account in a region."""
    scope: Callable[..., Any] = import_module("ministack.core.responses").request_scope
    return scope
