"""One mistake each: the file, what is replaced by what, and the finding it must give.

The finding is given by its code, the text it underlines, and a part of message and help.
"""

from typing import NamedTuple

P, W, S = "programme.yaml", "workflows/w.yaml", "sources/s.yaml"


class Case(NamedTuple):
    """A sound programme with `old` replaced by `new` in `file`."""

    file: str
    old: str
    new: str
    code: str
    marked: str
    says: str
    helps: str = ""
