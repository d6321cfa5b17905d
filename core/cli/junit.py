"""Outcomes of test cases as JUnit XML for CI servers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree  # only to write

from .. import writing
from ..errors import UserError
from ..runs.cases import Outcome
from ..safe_text import safe_line, safe_text
from ..units import percent

_NAME = 120
"""Terminal cells of a case's name, at most."""


def document(outcomes: Sequence[Outcome], run: str, data: str, seconds: float) -> bytes:
    """Return one test suite in UTF-8, with one case per sentence. `seconds` is the time of all cases together."""
    failed = [each for each in outcomes if not each.passed]
    faults = sum(bool(each.fault) for each in failed)
    counts = {"tests": str(len(outcomes)), "failures": str(len(failed) - faults), "errors": str(faults), "time": f"{seconds:.3f}"}
    root = ElementTree.Element("testsuites", {"name": "emotui cases", **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": legal(safe_line(run, _NAME)), **counts})
    for each in outcomes:
        name = legal(safe_line(each.case.text, _NAME))
        case = ElementTree.SubElement(suite, "testcase", {"classname": legal(safe_line(data, _NAME)), "name": name, "time": "0"})
        if each.passed:
            continue
        message = legal(safe_line(reason(each), 400))
        element = ElementTree.SubElement(
            case, "error" if each.fault else "failure", {"message": message, "type": "error" if each.fault else "label"}
        )
        element.text = legal(safe_text(each.case.text))
    ElementTree.indent(root)
    return ElementTree.tostring(root, "utf-8", xml_declaration=True) + b"\n"


def reason(of: Outcome) -> str:
    """Return a sentence on why a case failed."""
    if of.fault:
        return of.fault
    share = f" at {percent(of.probability)}" if of.probability is not None else ""
    return f"expected {of.case.label}{share}, predicted {of.label}"


def legal(text: str) -> str:
    """Return `text` with U+FFFD for each character that XML 1.0 forbids, even escaped (section 2.2)."""
    return "".join(each if _is_legal(ord(each)) else "\ufffd" for each in text)


def _is_legal(code: int) -> bool:
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def write(file: Path, content: bytes) -> None:
    """Write the document. Raises UserError if it cannot be written."""
    try:
        with writing.replacing(file) as opened:
            opened.write(content)
    except OSError as error:
        raise UserError(f"cannot write {safe_line(str(file), 160)}: {error.strerror or error}", exit_code=1) from error
