"""The runner of CEL's public conformance cases: it reads them, and it tells right from wrong."""

from pathlib import Path

import pytest

from tests.cel_conformance import main, run_file
from tests.textproto import TextprotoError, parse

CASES = r"""
# proto-message: made here, in the form of the public ones
name: "own"
section {
  name: "words"
  test { name: "right" expr: "1 + 2" value: { int64_value: 3 } }
  test { name: "true_is_meant" expr: "2 > 1" }
  test { name: "octal" expr: "'\\x41'" value { string_value: "\101" } }
  test { name: "pair" expr: "[1, 'a']" value { list_value {
    values: [{ int64_value: 1 }, { string_value: "" "a" }] } } }
  test { name: "map" expr: "{'k': false}" value { map_value { entries {
    key { string_value: 'k' } value { bool_value: false } } } } }
  test { name: "instant" expr: "timestamp(1)" value { object_value {
    [type.googleapis.com/google.protobuf.Timestamp] { seconds: 1 } } } }
  test { name: "bound" expr: "x.y + a.b" disable_check: true
    type_env { name: "x" ident { type { map_type { key_type { primitive: STRING } } } } }
    bindings { key: "x" value { value { map_value { entries {
      key { string_value: "y" } value { int64_value: 1 } } } } } }
    bindings { key: "a.b" value { value { int64_value: 2 } } }
    value { int64_value: 3 } }
  test { name: "fails" expr: "1 / 0" eval_error { errors { message: "divide by zero" } } }
  test { name: "typed" expr: "'a' < 1" eval_error: < errors: < message: "no overload" > > }
  test { name: "type" expr: "type(1)" value { type_value: "int" } }
  test { name: "unsigned" expr: "1u" value { uint64_value: 1 } }
  test { name: "bytes" expr: "true" value { bytes_value: "\377\000" } }
  test { name: "wrong" expr: "1 + 2" value { int64_value: 4 } }
  test { name: "other_type" expr: "1" value { bool_value: true } }
  test { name: "no_error" expr: "1 / 1" eval_error { errors { message: "divide by zero" } } }
  test { name: "error" expr: "1 / 0" value { int64_value: 0 } }
}
"""


def test_each_case_has_its_word() -> None:
    """Right, found at load, not there, wrong: an error that is missing is wrong too."""
    words = {result.name.partition("/")[2]: result.word for result in run_file(CASES)}

    assert words == {
        **dict.fromkeys(("right", "true_is_meant", "octal", "pair", "map", "instant", "bound",
                         "type", "fails"), "passed"),
        "typed": "at load",
        **dict.fromkeys(("unsigned", "bytes"), "not there"),
        **dict.fromkeys(("wrong", "other_type", "no_error", "error"), "FAILED"),
    }  # fmt: skip


def test_the_table_counts_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a file and what failed; the exit code is 1, or 2 where there is nothing to run."""
    (tmp_path / "own.textproto").write_text(CASES)
    (tmp_path / "fine.textproto").write_text('section { test { expr: "true" } }')

    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "own                           9          1          2          4" in said
    assert "FAILED: words/wrong: '1 + 2': it gives 3, not 4" in said
    assert main([str(tmp_path), "fine"]) == 0
    assert main([str(tmp_path), "nothing"]) == 2


@pytest.mark.parametrize("text", ["a: ", "a {", "a: }", "{", 'a: "x', "a: 1 }", "a: \x01"])
def test_what_is_no_textproto_is_refused(text: str) -> None:
    """A file in another form is an error, not half a file."""
    with pytest.raises(TextprotoError):
        parse(text)
