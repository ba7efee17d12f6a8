"""A column of a CSV file is read, or one line says what is wrong with the file."""

from pathlib import Path

import numpy as np
import pytest

from stages.files import InputError
from stages.signals import series_file
from stages.signals.times import next_times

HEADER = "time,value\n"
FORMS = "1958, 1958-03, 1958-Q1, 1958-03-29"
EXPECTED = "expected a CSV file in UTF-8, with a line of column names and one value a line"
NUMBER = "expected a number such as 12 or 12.5, up to 1e+100, got"
# Text after the header, and its message.
BAD_TEXTS = {
    "2020,\n2021,1\n": f"s.csv:2: {NUMBER} ''",
    "2020,nan\n": f"s.csv:2: {NUMBER} 'nan'",
    "2020,1\n2021,inf\n": f"s.csv:3: {NUMBER} 'inf'",
    "2020,1e200\n": f"s.csv:2: {NUMBER} '1e200'",
    "2020,1_0\n": f"s.csv:2: {NUMBER} '1_0'",
    '2020,"1,5"\n': f"s.csv:2: {NUMBER} '1,5'",
    "2020,1,5\n": "s.csv:2: has 3 fields; expected 2",
    "2020,1\n\n2021,1\n": "s.csv:3: has 0 fields; expected 2",
    '2020,"1\n': "s.csv:2: is not CSV: unexpected end of data",
    "": f"s.csv: has no values; {EXPECTED}",
    "2020,1\n2021,2\nTotal,2400\n": "s.csv:4: expected a time like 2020, got 'Total'",
    "01/02/2020,1\n": f"s.csv:2: expected a time such as {FORMS}, got '01/02/2020'",
    "2020-02-30,1\n": f"s.csv:2: expected a time such as {FORMS}, got '2020-02-30'",
    "2020-01-03,1\n2020-01-02,2\n2020-01-01,3\n": (
        "s.csv:3: expected a later time after 2020-01-03, got 2020-01-02"
    ),
    "2020,1\n2021,2\n2021,3\n2022,4\n": "s.csv:4: expected 2022 after 2021, got 2021",
    "2020-01-01,1\n2020-01-02,2\n2020-01-05,3\n2020-01-06,4\n": (
        "s.csv:4: expected 2020-01-03 after 2020-01-02, got 2020-01-05"
    ),
    "2020-01-01,1\n2020-02-01,2\n2020-02-15,3\n2020-04-01,4\n": (
        "s.csv:4: expected 2020-03-01 after 2020-02-01, got 2020-02-15"
    ),
    "2020-01-01T00:00Z,1\n2020-01-01T01:00,2\n": (
        "s.csv:3: expected a time like 2020-01-01T00:00Z, got '2020-01-01T01:00'"
    ),
}
BAD_LINES = [
    ((HEADER + text).encode(), "value", "time", message) for text, message in BAD_TEXTS.items()
]
NONE = "s.csv:1: has no columns"
NOT_UTF_8 = "s.csv:1: is not UTF-8 text; save it as CSV in UTF-8"
# Content, column, time, and the message.
BAD_FILES = [
    (b" \n\n", None, None, f"s.csv: has no values; {EXPECTED}"),
    (b"a;b\n1;2,5\n", "b", None, f"{NONE} 'b'; expected one of these: a;b"),
    ("gr\xf6\xdfe\n1\n".encode("latin-1"), None, None, NOT_UTF_8),
    ("value\n1\n".encode("utf-16"), "value", None, NOT_UTF_8),
    (b"2020,1\n2021,2\n", "x", "time", f"{NONE} 'x'; expected one of these: 2020,1"),
    (b"time,x\n1,2\n", "x", "tim", f"{NONE} 'tim'; expected one of these: time,x"),
    (b"a,a\n1,2\n", "a", None, "s.csv:1: has 2 columns 'a'; expected one of these: a,a"),
    (b"a,b\n1,2\n", None, None, "s.csv: has 2 columns; name the column of values: a,b"),
]
SERIES = {"sunspots": 309, "co2": 452, "temperature": 3170}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)


def load(content: bytes, column: str | None, time: str | None) -> series_file.Column:
    """Read a file with a content."""
    Path("s.csv").write_bytes(content)
    return series_file.load(Path("s.csv"), column, time)


@pytest.mark.parametrize(("content", "column", "time", "message"), [*BAD_LINES, *BAD_FILES])
def test_a_bad_file_gets_one_line(
    content: bytes, column: str | None, time: str | None, message: str
) -> None:
    with pytest.raises(InputError) as error:
        load(content, column, time)
    assert str(error.value) == message


def test_a_missing_file_can_be_pulled_where_dvc_tracks_it() -> None:
    with pytest.raises(InputError, match=f"^s.csv: no such file; {EXPECTED}$"):
        series_file.load(Path("s.csv"))
    Path("s.csv.dvc").touch()
    with pytest.raises(InputError, match="^s.csv: no such file; get it with `dvc pull s.csv`$"):
        series_file.load(Path("s.csv"))


def test_lines_of_empty_fields_at_the_end_are_ignored() -> None:
    """As spreadsheets write them."""
    read = load(b"time,value\n2020,1\n2021,2\n,\n , \n\n", "value", "time")
    assert read.values.tolist() == [1, 2] and read.times == ("2020", "2021")


def test_a_single_column_needs_no_name() -> None:
    assert load(b"1e15\n1e-9\n-3\n", None, None).values.tolist() == [1e15, 1e-9, -3]
    named = load(b"\xef\xbb\xbf demand \r\n1\r\n2\r\n\r\n", None, None)
    assert (named.name, named.values.tolist(), named.times) == ("demand", [1, 2], None)
    assert load(b"time,x\n2020-01,1\n2020-02,2\n", None, "time").name == "x"


@pytest.mark.parametrize("name", SERIES)
def test_the_examples_are_read(name: str) -> None:
    path = Path(__file__).parents[2] / f"data/series/{name}.csv"
    column = series_file.load(path, name, "time")
    assert column.values.shape == (SERIES[name],) and np.isfinite(column.values).all()
    assert len(next_times(column.times, 3)) == 3


@pytest.mark.parametrize(
    "times",
    [
        ["2019", "2020", "2021", "2022"],
        ["1958.208", "1958.292", "1958.375", "1958.458", "1958.542"],
        ["0.1", "0.2", "0.3", "0.4"],
        ["2020-11", "2020-12", "2021-01", "2021-02"],
        ["2020-Q3", "2020-Q4", "2021-Q1", "2021-Q2"],
        ["2020Q3", "2020Q4", "2021Q1", "2021Q2"],
        ["2020-02-27", "2020-02-28", "2020-02-29", "2020-03-01"],
        ["2020-01-01", "2020-01-29", "2020-02-26", "2020-03-25"],
        ["2019-12-31", "2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"],
        ["2020-02-29", "2020-03-31", "2020-04-30", "2020-05-31"],
        ["2020-01-30", "2020-02-29", "2020-03-30", "2020-04-30"],
        ["2019-02-01", "2019-03-01", "2019-04-01", "2019-05-01"],
        ["2000-07-01", "2001-07-01", "2002-07-01", "2003-07-01"],
        ["2020-02-29T22:00Z", "2020-02-29T23:00Z", "2020-03-01T00:00Z", "2020-03-01T01:00Z"],
        ["2020-02-29 23:30:00", "2020-03-01 00:00:00", "2020-03-01 00:30:00"],
        ["2020-01-01T00:00:00.500+02:00", "2020-01-01T00:00:01.000+02:00"],
    ],
)
def test_times_continue_in_their_format(times: list[str]) -> None:
    given = times[: max(2, len(times) - 2)]
    assert next_times(given, len(times) - len(given)) == tuple(times[len(given) :])
    text = HEADER + "".join(f"{time},1\n" for time in times)
    assert load(text.encode(), "value", "time").times == tuple(times)
