"""A column of a CSV file is read, or one line says what is wrong with the file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.files import InputError
from stages.signals import series_file
from stages.signals.times import next_times

HEADER = "time,value\n"
FORMS = "1958, 1958-03, 1958-Q1, 1958-03-29"
EXPECTED = "expected a CSV file in UTF-8, with a line of column names and one value a line"
NAMES = "expected a line of column names, got the values"
UTF_16 = "s.csv: is UTF-16 or no text; save it as CSV in UTF-8"
# Text after the header, and what is said of it, with column: value and time: time.
BAD_LINES = {
    "2020,\n": "s.csv:2: the value is empty; expected a number",
    "2020,abc\n": "s.csv:2: expected a number, got 'abc'",
    "2020,nan\n": "s.csv:2: expected a number, got 'nan'",
    "2020,1\n2021,inf\n": "s.csv:3: expected a number up to 1e+100, got 'inf'",
    "2020,1e200\n": "s.csv:2: expected a number up to 1e+100, got '1e200'",
    "2020,1_0\n": "s.csv:2: expected a number, got '1_0'",
    '2020,"1,5"\n': "s.csv:2: expected a number with a decimal point and no comma, got '1,5'",
    "2020,1,5\n": "s.csv:2: has 3 fields; expected 2; write 1.5 for a decimal comma, 1,5",
    "2020\n": "s.csv:2: has 1 field; expected 2",
    "2020,1\n\n2021,1\n": "s.csv:3: is empty; expected a value, evenly spaced in time",
    '2020,"1\n': "s.csv:2: is not CSV: unexpected end of data",
    "": f"s.csv: has column names and no values; {EXPECTED}",
    "2020,1\n2021,2\nTotal,2400\n": (
        "s.csv:4: expected a time like 2020, got 'Total'; is the last line a sum?"
    ),
    "01/02/2020,1\n": f"s.csv:2: expected a time such as {FORMS}, got '01/02/2020'",
    "2020-02-30,1\n": f"s.csv:2: expected a time such as {FORMS}, got '2020-02-30'",
    "2020,1\n,2\n2022,3\n": "s.csv:3: expected a time like 2020, got ''",
    "2020-01-03,1\n2020-01-02,2\n2020-01-01,3\n": (
        "s.csv:3: the times go backwards, 2020-01-02 after 2020-01-03; "
        "sort the lines, the oldest first"
    ),
    "2020,1\n2022,2\n2021,3\n2023,4\n": (
        "s.csv:4: goes back to 2021 after 2022; expected ascending times"
    ),
    "2020,1\n2021,2\n2021,3\n2022,4\n": (
        "s.csv:4: 2021 is repeated; expected each time once (1 repeated in all)"
    ),
    "2020-01-01,1\n2020-01-02,2\n2020-01-01,3\n2020-01-02,4\n": (
        "s.csv:4: the times start again at 2020-01-01; "
        "expected one series, got two under each other"
    ),
    "2020-01-01,1\n2020-01-02,2\n2020-01-05,3\n2020-01-06,4\n2020-01-08,5\n2020-01-09,6\n": (
        "s.csv:4: expected 2020-01-03 after 2020-01-02, got 2020-01-05 "
        "(2 uneven steps in all, 3 missing)"
    ),
    "2020-01-01,1\n2020-02-01,2\n2020-04-01,3\n2020-05-01,4\n": (
        "s.csv:4: expected 2020-03-01 after 2020-02-01, got 2020-04-01 "
        "(1 uneven step in all, 1 missing)"
    ),
    "2020-01-01,1\n2020-02-01,2\n2020-02-15,3\n2020-04-01,4\n": (
        "s.csv:4: expected 2020-03-01 after 2020-02-01, got 2020-02-15 "
        "(2 uneven steps in all, 1 missing)"
    ),
    "2020-01-01T00:00Z,1\n2020-01-01T01:00,2\n": (
        "s.csv:3: expected a time like 2020-01-01T00:00Z, got '2020-01-01T01:00'"
    ),
}
# Content, column, time, and what is said of them.
BAD_FILES = [
    (b"", None, None, f"s.csv: is empty; {EXPECTED}"),
    (b" \n\n", None, None, f"s.csv: is empty; {EXPECTED}"),
    (b"a;b\n1;2,5\n", "b", None, "s.csv:1: values are separated by semicolons; expected commas"),
    (b"a\tb\n1\t2\n", "b", None, "s.csv:1: values are separated by tabs; expected commas"),
    (
        "gr\xf6\xdfe\n1\n".encode("latin-1"),
        *(None, None, "s.csv:1: is not UTF-8 text; save it as CSV in UTF-8; it may be Latin-1"),
    ),
    ("value\n1\n".encode("utf-16"), "value", None, UTF_16),
    ("value\n1\n".encode("utf-16-le"), "value", None, UTF_16),
    (b"2020-01,1\n2020-02,2\n", "value", "time", f"s.csv:1: {NAMES} '2020-01,1'"),
    (b"2020-01,1\n2020-02,2\n", None, None, f"s.csv:1: {NAMES} '2020-01,1'"),
    (b"5\n6\n", "value", None, f"s.csv:1: {NAMES} '5'"),
    (b"time,Value\n1,2\n", "value", None, "s.csv: has no column 'value'; did you mean 'Value'?"),
    (b"time,x\n1,2\n", "value", None, "s.csv: has no column 'value'; it has time, x"),
    (b"time,x\n1,2\n", "x", "tim", "s.csv: has no column 'tim'; did you mean 'time'?"),
    (b"a,a\n1,2\n", "a", None, "s.csv:1: names 2 columns 'a'; expected 1"),
    (b"a,b\n1,2\n", None, None, "s.csv: has 2 columns; name the one with the values: a, b"),
    (
        b"year,value\n2020,1\n2021,2\nTotal,3\n",
        *("value", None, "s.csv:4: begins with 'Total', unlike those before it; is it a sum?"),
    ),
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


@pytest.mark.parametrize("text", BAD_LINES)
def test_a_bad_line_is_named(text: str) -> None:
    with pytest.raises(InputError) as error:
        load((HEADER + text).encode(), "value", "time")
    assert str(error.value) == BAD_LINES[text]


@pytest.mark.parametrize(("content", "column", "time", "message"), BAD_FILES)
def test_a_bad_file_gets_one_line(
    content: bytes, column: str | None, time: str | None, message: str
) -> None:
    with pytest.raises(InputError) as error:
        load(content, column, time)
    assert str(error.value) == message


def test_a_missing_file_is_not_made_with_dvc() -> None:
    with pytest.raises(InputError) as error:
        series_file.load(Path("s.csv"))
    assert str(error.value) == f"s.csv: no such file; {EXPECTED}"


def test_a_file_that_dvc_or_git_lfs_tracks_says_how_it_is_brought() -> None:
    Path("s.csv.dvc").touch()
    with pytest.raises(InputError) as error:
        series_file.load(Path("s.csv"))
    assert str(error.value) == "s.csv: no such file; `dvc pull s.csv` brings it"
    with pytest.raises(InputError) as error:
        load(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", None, None)
    assert str(error.value) == "s.csv: is a pointer of Git LFS; `git lfs pull` brings the file"


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
def test_times_go_on_as_they_are_written(times: list[str]) -> None:
    assert next_times(times[:3], len(times) - 3) == tuple(times[3:])
    text = HEADER + "".join(f"{time},1\n" for time in times)
    assert load(text.encode(), "value", "time").times == tuple(times)


def test_reading_imports_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, stages.signals.series_file, stages.signals.dataset_file, stages.baselines.ets;"
        "sys.exit(bool({'torch', 'pandas', 'scipy', 'statsmodels'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
