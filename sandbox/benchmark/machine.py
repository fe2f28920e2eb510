"""The machine of a measurement, without which seconds mean nothing."""

from __future__ import annotations

import os
import sys


def machine() -> dict[str, int | float | str | None]:
    """Its size, its Python, and how busy it was for others at that moment."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processors": os.cpu_count(),
        "memory_gigabytes": round(memory, 1),
        "python": sys.version.split()[0],
        "others_at_work": round(os.getloadavg()[0], 1),
    }
