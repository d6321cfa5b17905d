"""The one error whose message is written for the user."""


class UserError(Exception):
    """Something the user can act on: the message names the file, row or setting at fault and the remedy.

    It is caught once, at the top of each process, and shown without a traceback.
    `exit_code` is 2 for bad input and 1 for a run or a check that failed.
    """

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
