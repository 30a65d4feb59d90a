"""Every code of a finding, with its title and what it means."""

from typing import NamedTuple


class Code(NamedTuple):
    """What a code stands for."""

    title: str
    explanation: str


CODES: dict[str, Code] = {
    "V001": Code("not YAML", "x"), "V002": Code("duplicate key","x"),"V003":Code("q","x"),"V004":Code("b","x"),"V005":Code("b","x"),"V006":Code("b","x"),"V007":Code("b","x"),"V008":Code("b","x"),
}
