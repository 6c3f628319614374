"""JSON is read as the standard has it, and whatever is refused has its reason said."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalargrad.core.strict_json import read_json

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS)
def test_what_json_writes_is_read(document):
    assert read_json(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no JSON from line 1, column 1 on"),
        (b"{}\n  x", "no JSON from line 2, column 3 on"),
        (b"[1, NaN]", "JSON has no NaN"),
        (b"[-Infinity]", "JSON has no -Infinity"),
        (b"1e400", "1e400 is beyond a double"),
        (b"-1e400", "-1e400 is beyond a double"),
        (b"1" * 5000, "1111111111111111111111111111111111111111... is beyond a double"),
        (b'{"a": 1, "b": 2, "a": 1}', "the key 'a' stands twice"),
        (b'[{"": {"x": 1, "x": 1}}]', "the key 'x' stands twice"),
        (b"\xff\xfe[", "it is no text in UTF-8"),
        (b"[" * 200_000, "it is nested too deep"),
        (b'{"a":' * 200_000, "it is nested too deep"),
    ],
)
def test_what_is_refused_has_its_reason(content, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        read_json(content)


def test_many_keys_are_read_in_time_that_grows_with_their_number():
    keys = ", ".join(f'"{number}": 1' for number in range(200_000))

    with pytest.raises(ValueError, match="the key '199999' stands twice"):
        read_json(f'{{{keys}, "199999": 1}}'.encode())
