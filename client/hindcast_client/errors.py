"""What the client raises, and when: at start, for wrong use. Nothing is raised on the path of a request."""

from __future__ import annotations


class UsageError(ValueError):
    """Wrong use or a missing extra, in one readable line."""


class UnusableRecordError(Exception):
    """A record that cannot be sent as it is; it is counted as dropped, for the reason `unusable`."""
