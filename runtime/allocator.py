"""How the C library deals with memory that was freed."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
KEPT_BYTES_MAX = 64 << 20
MAPPED_BYTES_MIN = 32 << 20


def keep_freed_memory() -> bool:
    """Keep some of it at hand: every chunk of records takes and frees megabytes, and each page that
    went back to the kernel costs a fault when it is taken again. False where there is no glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, MAPPED_BYTES_MIN)) and bool(mallopt(_TRIM_THRESHOLD, KEPT_BYTES_MAX))
