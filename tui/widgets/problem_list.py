"""A list of a data set's problems, each of which leads to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ...core.safe_text import safe_line

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.checks import Problem


class ProblemList(OptionList):
    """Shows one entry per problem; Enter asks for its rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("enter", "select", "rows", id="problem_rows"),
    ]
    DEFAULT_CSS = """
    ProblemList { height: 1fr; border: none; padding: 0; background: transparent; }
    ProblemList:focus { border: none; background: transparent; }
    """

    @dataclass
    class Chosen(Message):
        """The rows of a problem were asked for."""

        problem: Problem

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._problems: tuple[Problem, ...] = ()

    def show(self, problems: Sequence[Problem], *, warning: str, error: str) -> None:
        """Show problems in the colours of warnings and errors; the cursor stays on its problem, otherwise it moves to the first."""
        at = self.highlighted
        before = self._problems[at] if at and at < len(self._problems) else None
        self._problems = tuple(problems)
        self.clear_options()
        for problem in self._problems:
            mark, color = ("✗", error) if problem.untrustworthy else ("!", warning)
            text = Text().append(f"{mark} ", f"bold {color}").append(safe_line(problem.message))
            self.add_option(Option(text))
        stays = self._problems.index(before) if before in self._problems else 0
        self.highlighted = stays if self._problems else None

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self.post_message(self.Chosen(self._problems[message.option_index]))
