"""The one error whose message is written for the user."""

from __future__ import annotations

from .sentences import Sentence, Setting, Words, phrase


class UserError(Exception):
    """An error that the user can act on, in parts: what is wrong, naming the file, row or setting, and what to do about it.

    It is caught once, at the top of each process, and shown without a traceback. As a string it has the words of the command line.
    `exit_code` is 2 for bad input and 1 for a run or a check that failed.
    """

    def __init__(self, problem: Words, remedy: Words = "", *, exit_code: int = 2) -> None:
        """Both parts are sentences without a full stop; where `problem` implies what to do, `remedy` is empty."""
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy
        self.exit_code = exit_code

    @property
    def sentence(self) -> Words:
        """The problem and its remedy, without a full stop at the end."""
        if not self.remedy:
            return phrase(self.problem)
        return phrase(self.problem, " " if str(self.problem).endswith("?") else ". ", self.remedy)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The settings that it names, those that are wrong before those that help."""
        return self.sentence.settings if isinstance(self.sentence, Sentence) else ()

    def __str__(self) -> str:
        return str(self.sentence)
