from __future__ import annotations

import errno
import socket
import ssl

import pytest
from emotui.core.model.hub_errors import explain


class ProxyError(Exception):
    pass


class WithStatus(Exception):
    def __init__(self, status: int) -> None:
        super().__init__("an answer of the server")
        self.status_code = status


class SeveralFailed(Exception):
    def __init__(self, *failed: BaseException) -> None:
        super().__init__("some files failed")
        self.failed_files = {str(number): error for number, error in enumerate(failed)}


def wrapped(inner: BaseException) -> BaseException:
    """Return `inner` as client libraries hand it on: as an argument, as a cause and as one of several."""
    try:
        try:
            raise inner
        except BaseException as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        return SeveralFailed(Exception(error))


@pytest.mark.parametrize(
    ("inner", "words", "exit_code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full", 1),
        (WithStatus(404), "has no ms:a/b (404)", 2),
        (WithStatus(401), "set A_TOKEN", 2),
        (WithStatus(403), "set A_TOKEN", 2),
        (WithStatus(429), "some minutes", 1),
        (WithStatus(502), "a server error (502)", 1),
        (WithStatus(418), "(418)", 1),
        (socket.gaierror(-2, "Name or service not known"), "cannot be resolved (DNS)", 1),
        (ConnectionRefusedError(111, "refused"), "refused the connection", 1),
        (TimeoutError("timed out"), "did not answer in time", 1),
        (ConnectionResetError(104, "reset"), "broke", 1),
        (ssl.SSLCertVerificationError("self-signed"), "certificate", 1),
        (ProxyError("no proxy"), "HTTPS_PROXY", 1),
    ],
)
def test_causes_are_found_however_deep_they_are_wrapped(inner: BaseException, words: str, exit_code: int) -> None:
    for error in (inner, wrapped(inner)):
        sentence = explain(error, host="hub.example", source="ms:a/b", token_variable="A_TOKEN")
        assert sentence is not None
        assert words in str(sentence)
        assert sentence.exit_code == exit_code
        assert "hub.example" in str(sentence) or "disk" in words


def test_an_error_of_no_known_cause_is_left_to_who_caught_it() -> None:
    assert explain(wrapped(KeyError("Files")), host="hub.example", source="ms:a/b", token_variable="A_TOKEN") is None


def test_errors_that_refer_to_each_other_end() -> None:
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__cause__, two.__cause__ = two, one
    assert explain(one, host="hub.example", source="ms:a/b", token_variable="A_TOKEN") is None
