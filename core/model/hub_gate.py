"""Checks every request to a hub and every answer: where a token may be sent, and how long an answer may be."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import UserError
from ..safe_text import safe_line

ANSWER_BYTES = 8 << 20
LISTING_BYTES = 32 << 20
ERROR_BYTES = 64 << 10
"""Bytes that are read of an answer other than a success, which may never end."""
LISTING_REQUESTS = 1000
LISTING_ENTRIES = 100_000
_VALUES = 4 * LISTING_ENTRIES
"""JSON objects and arrays in one listing, at most; two bytes make one, which takes some hundred times that in memory."""
_PORTS = {"http": 80, "https": 443}
_SECRETS = ("Authorization", "Cookie")

Origin = tuple[str, str, int | None]


def origin(url: str) -> Origin:
    """Return scheme, host and port of a URL; the port is None if it is not a number."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme.lower(), (parts.hostname or "").lower(), port


def _host(of: Origin) -> str:
    scheme, host, port = of
    return safe_line(host if port == _PORTS.get(scheme) else f"{host}:{port}", 80)


class Gate:
    """The rules for one hub. Its methods raise UserError with the hub's host and the cause."""

    def __init__(self, endpoint: str, variable: str) -> None:
        """Store the hub's address, which the environment variable `variable` may have set. Raises UserError if it is not a URL."""
        try:
            self.origin = origin(endpoint)
        except ValueError:
            self.origin = ("", "", None)
        scheme, host, port = self.origin
        if scheme not in _PORTS or not host or port is None:
            raise UserError(f"{variable} is no address of a hub", "Set it to one like https://hub.example, or unset it")
        self.host = _host(self.origin)
        self.wants_file = False
        """Whether a success is the content of a file, whose size the downloader limits."""
        self.received = 0
        """Bytes of answers so far, without files."""
        self.asked = self.host
        """The host of the last request, possibly after a redirect."""
        self._requests = 0
        self._values = 0

    def begin(self, *, file: bool) -> None:
        """Begin a file, or a listing, whose limits count from here."""
        self.wants_file = file
        self.asked = self.host
        self.received = self._requests = self._values = 0

    def request(self, url: str, headers: MutableMapping[str, Any]) -> None:
        """Check a request just before it is sent, also after a redirect, and remove secrets that are for the hub alone."""
        try:
            there = origin(url)
        except ValueError as error:
            raise self.no_address() from error
        if there[0] not in _PORTS:
            raise self.refused(f"leads to an address that is not of the web ({safe_line(url, 60)})")
        if self.origin[0] == "https" and there[0] == "http":
            raise self.refused(f"leads to a page without encryption ({safe_line(there[1], 60)}), as the login page of a network does")
        self.asked = _host(there)
        if there != self.origin:
            for name in _SECRETS:
                headers.pop(name, None)
        headers["Accept-Encoding"] = "identity"  # sizes and ranges must be those of the file, and nothing may expand in transit
        self._requests += 1
        if not self.wants_file and self._requests > LISTING_REQUESTS:
            raise self.refused(f"goes on with its listing after {LISTING_REQUESTS:,} pages")

    def is_content(self, status: int) -> bool:
        """Return whether an answer is the content of the requested file."""
        return self.wants_file and status in (200, 206)

    def limit(self, status: int) -> int:
        """Return the limit in bytes of an answer that is not a file."""
        return ERROR_BYTES if status >= 300 else min(ANSWER_BYTES, LISTING_BYTES - self.received)

    def headers(self, headers: Mapping[str, str]) -> None:
        """Check the headers of a success."""
        encoding = headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", ""):
            raise self.refused(f"answers in an encoding that was not asked for ({safe_line(encoding, 20)})")

    def too_long(self) -> UserError:
        return self.refused(f"answers with a listing of more than {ANSWER_BYTES >> 20} MiB at once, or {LISTING_BYTES >> 20} MiB in all")

    def listing(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Check one answer that should be part of a listing."""
        self.received += len(body)
        if "html" in headers.get("Content-Type", "").lower() or body[:64].lstrip().lower().startswith((b"<!doctype", b"<html")):
            raise self.web_page("a listing")
        if not body.strip():
            raise self.refused(f"answers with nothing ({status}) where a listing is due")
        self._values += body.count(b"{") + body.count(b"[")
        if self._values > _VALUES:
            raise self.too_many()

    def next_page(self, url: str | None) -> None:
        """Check the address that an answer gives for the next page."""
        try:
            elsewhere = url is not None and origin(url) != self.origin
        except ValueError as error:
            raise self.no_address() from error
        if url is not None and elsewhere:
            raise self.refused(f"names another server ({safe_line(urlsplit(url).netloc or url, 60)}) for the next page of its listing")

    def no_address(self) -> UserError:
        return self.refused("leads to an address that is none")

    def web_page(self, due: str) -> UserError:
        return self.refused(f"answers with a web page where {due} is due. Does this network want a login, or a proxy?")

    def too_many(self) -> UserError:
        return self.refused(f"lists more than {LISTING_ENTRIES:,} files or values")

    def unreadable(self, what: str = "an answer that is no listing") -> UserError:
        return self.refused(f"gives {what}")

    def refused(self, what: str) -> UserError:
        end = "" if what.endswith("?") else ". Nothing was taken from it"
        return UserError(f"{self.host} {what}{end}", exit_code=1)
