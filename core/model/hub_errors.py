"""Explains in a sentence why a hub could not be reached or did not send a file."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

from ..errors import UserError
from ..sentences import Setting, phrase


def explain(error: BaseException, *, host: str, source: str, token_variable: str, listed: bool = False) -> UserError | None:
    """Return a client library's error as a sentence with host, cause and remedy; None if the cause is unknown.

    `listed` means that the hub has already listed the files, so that a 404 is about one of them.
    The libraries wrap the cause in errors of their own, so the whole chain of exceptions is examined.
    """
    causes = list(_causes(error))
    ours = next((each for each in causes if isinstance(each, UserError)), None)
    if ours is not None:
        return ours
    if any(isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT) for each in causes):
        return UserError(f"the disk is full, so {source} cannot be kept", "Free some space or set EMOTUI_HOME to another disk", exit_code=1)
    status = next((code for code in map(status_of, causes) if code is not None and code >= 400), None)
    if status == 404 and listed:
        return UserError(f"{host} lists a file of {source} that it does not have (404)", "Try it again later", exit_code=1)
    if status is not None:
        return _refused(status, host, source, token_variable)
    return _unreachable(causes, host, source)


def _refused(status: int, host: str, source: str, token_variable: str) -> UserError:
    if status == 404:
        return UserError(f"{host} has no {source} (404)", f"Check the spelling of OWNER/NAME; if it is private, set {token_variable}")
    if status == 401:
        return UserError(
            f"{host} does not show {source} (401): it does not exist, or is private or gated", f"Check OWNER/NAME, or set {token_variable}"
        )
    if status == 403:
        return UserError(
            f"{host} denies access to {source} (403): it is gated or private", f"Ask for access on its page, then set {token_variable}"
        )
    if status == 429:
        return UserError(f"{host} limits the rate of requests (429)", f"Try {source} again in some minutes", exit_code=1)
    if status >= 500:
        return UserError(f"{host} has a server error ({status})", f"Try {source} again later", exit_code=1)
    return UserError(f"{host} refused {source} ({status})", exit_code=1)


def _unreachable(causes: list[BaseException], host: str, source: str) -> UserError | None:
    again = phrase(f"Try {source} again, or put its files there by hand and use ", Setting("offline"))
    for each in causes:
        name = type(each).__name__
        if "ProxyError" in name:
            return UserError(f"the proxy for {host} does not answer", "Check HTTPS_PROXY and NO_PROXY", exit_code=1)
        if name == "TooManyRedirects":
            return UserError(f"{host} redirects without end", f"Check the address, or try {source} again later", exit_code=1)
        if name in _BAD_ADDRESS:
            return UserError(f"{host} redirects to an invalid address", f"Try {source} again later", exit_code=1)
        if isinstance(each, ssl.SSLError):
            return UserError(
                f"the certificate of {host} is not trusted", "Check the clock, and SSL_CERT_FILE if there is a proxy", exit_code=1
            )
        if isinstance(each, socket.gaierror) or "NameResolution" in name:
            return UserError(f"the name {host} cannot be resolved (DNS)", phrase("Check the network. ", again), exit_code=1)
        if isinstance(each, ConnectionRefusedError):
            return UserError(f"{host} refused the connection", phrase("Check the network and the address. ", again), exit_code=1)
    if any(isinstance(each, TimeoutError) or "Timeout" in type(each).__name__ or "Deadline" in type(each).__name__ for each in causes):
        return UserError(f"{host} did not answer in time", again, exit_code=1)
    if any("Integrity" in type(each).__name__ or "SizeMismatch" in type(each).__name__ for each in causes):
        return UserError(f"{host} sent a damaged file of {source}", "Try it again later", exit_code=1)
    if any(isinstance(each, ConnectionError) or type(each).__name__ in _BROKEN for each in causes):
        return UserError(f"the connection to {host} broke", "What arrived is kept: run it again to continue", exit_code=1)
    return None


_BAD_ADDRESS = {
    "InvalidURL",
    "InvalidSchema",
    "MissingSchema",
    "UnsupportedProtocol",
    "LocationParseError",
    "LocationValueError",
    "UnicodeError",
}
_BROKEN = {
    "RemoteProtocolError",
    "ReadError",
    "WriteError",
    "ConnectError",
    "NetworkError",
    "ProtocolError",
    "IncompleteRead",
    "LocalEntryNotFoundError",
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all exceptions that it was raised from, wraps or groups; outermost first."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        parts = getattr(each, "failed_files", None)
        inner = [
            *(parts.values() if isinstance(parts, dict) else ()),
            each.__cause__,
            each.__context__,
            getattr(each, "reason", None),
            *each.args,
        ]
        waiting += [part for part in inner if isinstance(part, BaseException)]


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of a client library's error; None if it has none."""
    code = getattr(error, "status_code", None)
    if code is None:
        code = getattr(getattr(error, "response", None), "status_code", None)
    return code if isinstance(code, int) else None
