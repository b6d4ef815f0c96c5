"""What a file of people's can be refused with: which file, where in it, and what is wrong there."""

from pathlib import Path


class UnusableFileError(Exception):
    """A file that cannot be used: as text, one sentence that says where, what and the next step.

    :ivar file: the file, or how people call it; empty where the message names it itself
    :ivar line: the line within it; None where there is none, or all of it is meant
    :ivar place: the key or section within it; empty where all of it is meant
    :ivar message: what is wrong there
    """

    def __init__(self, message: str, *, file: Path | str = "", line: int | None = None, place: str = "") -> None:
        """Put the sentence together of file, line, place and message."""
        self.file, self.line, self.place, self.message = file, line, place, message
        super().__init__(self.called(str(file)))

    def called(self, file: str) -> str:
        """The sentence with the file called otherwise, as whoever reads it knows it; empty: without the file."""
        sentence = f"{self.place} {self.message}" if self.place else self.message
        where = " ".join([*([file] if file else []), *([] if self.line is None else [f"line {self.line:,}"])])
        return f"{where}: {sentence}" if where else sentence
