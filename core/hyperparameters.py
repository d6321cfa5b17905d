"""What a hyper-parameter is: bounds, default, unit and help of a field of a spec that people set.

The table itself is the specs: a field annotated with a Hyperparameter is its row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, get_type_hints

from . import class_weights
from .safe_text import safe_line


class Kind(Protocol):
    """The values that a hyper-parameter may have."""

    @property
    def metavar(self) -> str:
        """The placeholder for a value in the help of an option."""
        ...

    def parse(self, text: str) -> Any:
        """Return the value of what was typed. Raises ValueError with a sentence without a full stop."""
        ...

    def check(self, value: Any) -> None:
        """Raise ValueError, with a sentence without a full stop, unless `value` is of this kind."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole numbers from `least` to `most`."""

    least: int
    most: int = 2**32 - 1
    metavar: str = "N"

    def parse(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = self.least - 1
        if not self._fits(number):
            raise ValueError(self._sentence(text))
        return number

    def check(self, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not self._fits(value):
            raise ValueError(self._sentence(str(value)))

    def _fits(self, number: int) -> bool:
        return self.least <= number <= self.most

    def _sentence(self, text: str) -> str:
        bounds = f"of {self.least} or more" if self.most == 2**32 - 1 else f"from {self.least} to {self.most:,}"
        return f"{safe_line(text, 40)!r} is not a whole number {bounds}"


@dataclass(frozen=True, slots=True)
class Real:
    """Numbers from `least` to `most`; `above` excludes `least` itself, `below` excludes `most`."""

    least: float
    most: float
    example: str
    above: bool = False
    below: bool = False
    metavar: str = "X"

    def parse(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not self._fits(number):
            raise ValueError(self._sentence(text))
        return number

    def check(self, value: Any) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool) or not self._fits(value):
            raise ValueError(self._sentence(str(value)))

    def _fits(self, number: float) -> bool:
        above = number > self.least if self.above else number >= self.least
        return above and (number < self.most if self.below else number <= self.most)

    def _sentence(self, text: str) -> str:
        low = f"above {self.least:g}" if self.above else f"of {self.least:g} or more"
        high = f"below {self.most:g}" if self.below else f"at most {self.most:g}"
        return f"{safe_line(text, 40)!r} is not a number {low} and {high}, such as {self.example}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]
    metavar: str = ""

    def parse(self, text: str) -> str:
        self.check(text)
        return text

    def check(self, value: Any) -> None:
        if value not in self.words:
            raise ValueError(f"{safe_line(str(value), 40)!r} is not {', '.join(self.words[:-1])} or {self.words[-1]}")


@dataclass(frozen=True, slots=True)
class DeviceName:
    """auto, cpu, cuda or cuda:N."""

    metavar: str = "D"

    def parse(self, text: str) -> str:
        self.check(text)
        return text

    def check(self, value: Any) -> None:
        kind, _, index = str(value).partition(":")
        if value not in ("auto", "cpu", "cuda") and not (kind == "cuda" and index.isascii() and index.isdigit()):
            raise ValueError(f"{safe_line(str(value), 40)!r} is not auto, cpu, cuda or cuda:N")


@dataclass(frozen=True, slots=True)
class ClassWeights:
    """none, balanced, or a weight for some labels; the labels are checked once they are known."""

    metavar: str = "W"

    def parse(self, text: str) -> str:
        self.check(text)
        return text

    def check(self, value: Any) -> None:
        if value not in ("none", "balanced"):
            class_weights.parse(value)


@dataclass(frozen=True, slots=True)
class WholeOr:
    """Whole numbers of `least` or more, or one word."""

    least: int
    word: str
    metavar: str = "N"

    def parse(self, text: str) -> int | str:
        value = int(text) if text.isascii() and text.isdigit() else text
        self.check(value)
        return value

    def check(self, value: Any) -> None:
        if value != self.word and (not isinstance(value, int) or isinstance(value, bool) or not self.least <= value < 2**32):
            raise ValueError(f"{safe_line(str(value), 40)!r} is not a whole number of {self.least} or more, nor {self.word}")


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """How people set one field of a spec, whose name is also that of its option. A default of None means `unset`."""

    title: str
    """Its name in the form."""
    help: str
    """The help of the option, without the default."""
    kind: Kind
    unit: str = ""
    """Of its values, such as 'rows per step'."""
    unset: str = ""
    """The default in words; empty: the field's default is shown."""
    by_preset: bool = False
    """Whether the preset chooses it where it is not set."""
    changes_speed: bool = False
    """Whether the value changes how long a step takes."""
    in_form: bool = True


@cache
def rows(spec: type) -> dict[str, Hyperparameter]:
    """Return the hyper-parameters of a spec by the names of its fields, in their order."""
    found: dict[str, Hyperparameter] = {}
    for name, hint in get_type_hints(spec, include_extras=True).items():
        row = next((each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Hyperparameter)), None)
        if row is not None:
            found[name] = row
    return found


@cache
def defaults(spec: type) -> dict[str, Any]:
    """Return the defaults of a spec's hyper-parameters."""
    fields: tuple[str, ...] = getattr(spec, "__struct_fields__")  # noqa: B009 msgspec's own
    values: tuple[Any, ...] = getattr(spec, "__struct_defaults__")  # noqa: B009
    by_name = dict(zip(fields[len(fields) - len(values) :], values, strict=True))
    return {name: by_name[name] for name in rows(spec)}


def shown(value: object) -> str:
    """Return a value as it is typed."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def check(job: object) -> None:
    """Raise ValueError, naming the field, where a hyper-parameter of `job` is out of bounds."""
    spec = type(job)
    for name, row in rows(spec).items():
        value = getattr(job, name)
        if value != defaults(spec)[name]:
            try:
                row.kind.check(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
