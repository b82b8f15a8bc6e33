"""Describes an unexpected exception without its message, which may quote a secret."""

from __future__ import annotations


def describe_exception(error: BaseException) -> str:
    """Return the exception's class and where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "nowhere"
    return f"{type(error).__name__} in {place}"
