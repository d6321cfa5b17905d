"""Labelling by keys on any list of rows: L switches the keys to labels and back.

Otherwise digits lead to other screens, x writes rows and u changes a unit. A list of rows therefore has a labelling mode, which is
shown below the list as long as it is on, so that a digit meant to lead elsewhere changes no label.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from string import ascii_uppercase
from typing import TYPE_CHECKING, TypeVar

from rich.text import Text
from textual.binding import Binding
from textual.screen import Screen

from ...core.errors import UserError
from ...core.safe_text import safe_line
from ...core.units import count
from ..decisions import describe_undone
from ..field_names import by_fields
from ..state import State, state_of
from ..widgets.label_look import LabelLook

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.overlay import Place
    from ...core.data.overlay_edit import Editor
    from ...core.data.overlay_log import By

Outcome = TypeVar("Outcome")
"""What a screen returns when it is closed."""
KEYS = (*"123456789", *"abefimnsy", *(letter for letter in ascii_uppercase if letter not in "FGLMT"))
"""The key of each class in label order, without the letters that have a meaning on a list of rows."""
MOST_IN_LEGEND = 20

LABEL_KEYS = [
    Binding("L", "labelling", "label", tooltip="give labels by key: 1 to 9, then letters; x leaves a row out", show=False, id="labelling"),
    Binding("escape", "end_labelling", "end labelling", show=False),
    Binding("x", "leave_out", "leave out", tooltip="leave this row out of the data", show=False, id="leave_out"),
    Binding("u", "undo_decision", "undo", tooltip="undo the last decision about a row", show=False, id="undo_decision"),
    Binding("0", "accept", "accept", tooltip="give this row the label that is suggested", show=False, id="accept_label"),
    Binding("equals_sign", "name_class", "by name", tooltip="give a class by a part of its name", show=False, id="name_class"),
    *(Binding(key, f"give({number})", show=False) for number, key in enumerate(KEYS)),
]
"""A screen that uses some of these keys itself must disable its actions in `check_action` while labelling."""
_ACTIONS = ("end_labelling", "leave_out", "undo_decision", "accept", "name_class", "give")


def legend(looks: Sequence[LabelLook], accent: str, *, suggests: str = "", end: str = "L") -> list[Text]:
    """Return each key with its label, for a KeyLegend; `suggests` says what 0 does if a label is suggested; key `end` ends labelling."""
    keys: list[Text] = []
    if suggests:
        keys.append(Text.assemble((" 0 ", f"bold reverse {accent}"), f" {suggests}"))
    room = 20 if len(looks) <= len("123456789") else 12
    for key, look in list(zip(KEYS, looks, strict=False))[:MOST_IN_LEGEND]:
        keys.append(Text.assemble((f" {key} ", "bold reverse"), (f" {look.glyph} {safe_line(look.name, room)}", look.color)))
    if len(looks) > min(len(KEYS), MOST_IN_LEGEND):
        more = len(looks) - min(len(KEYS), MOST_IN_LEGEND)
        keys.append(Text.assemble((" = ", "bold reverse"), (f" {more:,} more, by name", "dim")))
    for key, what in (("x", "leave out"), ("u", "undo"), (end, "end")):
        keys.append(Text.assemble((f" {key} ", f"bold reverse {accent}"), f" {what}"))
    return keys


class LabelKeys(Screen[Outcome]):
    """A screen with a list of rows; its methods below name the row to decide and show the outcome."""

    is_labelling = False

    # --- for screens to write ----------------------------------------------------------------------------

    def label_looks(self) -> tuple[LabelLook, ...]:
        """Return the classes in label order; none if no row can be decided."""
        raise NotImplementedError

    def row_to_decide(self) -> tuple[Editor, Place | None] | None:
        """Return the editor of decisions, and the row under the cursor; None without a data set."""
        raise NotImplementedError

    def row_decided(self) -> None:
        """Show the decision about the row under the cursor, and move on to the next row."""

    def decision_undone(self) -> None:
        """Show that the last decision was undone."""

    def suggestion(self) -> tuple[str, float, str] | None:
        """Return the suggested label of the row under the cursor, its probability and its source; None if there is none."""
        return None

    def show_labelling(self) -> None:
        """Show whether the keys give labels now."""

    # --- actions ------------------------------------------------------------------------------------------

    @property
    def _app_state(self) -> State:
        return state_of(self)

    def may_act(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a labelling key is enabled now; None for other keys."""
        if action == "labelling":
            return bool(self.label_looks())
        if action not in _ACTIONS:
            return None
        number = parameters[0] if parameters else 0
        given = max(9, len(self.label_looks()))  # a digit without a class must not lead to another screen
        return self.is_labelling and (action != "give" or (isinstance(number, int) and number < given))

    async def action_labelling(self) -> None:
        for module in ("pyarrow.compute", "emotui.core.data.overlay_edit"):
            import_module(module)  # so that the first decision does not wait for it
        self._turn(not self.is_labelling)

    def action_end_labelling(self) -> None:
        self._turn(False)

    def _turn(self, is_labelling: bool) -> None:
        self.is_labelling = is_labelling
        self.show_labelling()
        self.refresh_bindings()

    async def action_give(self, number: int) -> None:
        looks = self.label_looks()
        if number < len(looks):
            await self._decide(looks[number].name)
        elif looks:
            self._app_state.notify(f"there {'are' if len(looks) > 1 else 'is'} {count(len(looks), 'label')}")

    def action_name_class(self) -> None:
        from .pick_class import PickClass

        def give(name: str) -> None:
            self.run_worker(self._decide(name), group="decide")

        self.app.push_screen(PickClass([look.name for look in self.label_looks()], give))

    async def action_accept(self) -> None:
        found = self.suggestion()
        if found is None:
            self._app_state.notify("no other label is suggested for this row")
            return
        await self._decide(found[0], by="accepted", run=found[2])

    async def action_leave_out(self) -> None:
        await self._decide(None)

    async def _decide(self, new: str | None, *, by: By = "typed", run: str = "") -> None:
        editor, place = self.row_to_decide() or (None, None)
        if editor is None or place is None:
            return
        try:
            await self._app_state.decisions.decide(editor, [place], new, by=by, run=run)
        except UserError as error:
            self._app_state.notify(by_fields(error), problem=True)
            return
        self.row_decided()

    async def action_undo_decision(self) -> None:
        row = self.row_to_decide()
        if row is None:
            return
        try:
            undone = await self._app_state.decisions.undo(row[0])
        except UserError as error:
            self._app_state.notify(by_fields(error), problem=True)
            return
        if undone is None:
            self._app_state.notify("there is nothing to undo")
            return
        self._app_state.notify(describe_undone(undone))
        self.decision_undone()
