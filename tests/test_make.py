"""`make repro`: rows side by side under the real DVC, in small projects whose stages are shell."""

import os
import re
import shlex
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, ROOT, Project
from tests.processes import HALTING_DVC, INTERRUPTED, script, start, wait_for, working_in

PIPELINE = """\
stages:
  generate:
    foreach: ${datasets}
    do:
      cmd: sh work.sh generate ${key} data/${key}.npz
      params:
        - datasets.${key}
      outs:
        - data/${key}.npz: {persist: true}
  train:
    foreach: ${models}
    do:
      cmd: sh work.sh train ${key} models/${key}.safetensors data/${item.dataset}.npz
      deps:
        - data/${item.dataset}.npz
      params:
        - models.${key}
      outs:
        - models/${key}.safetensors: {persist: true}
  evaluate:
    foreach: ${models}
    do:
      cmd: sh work.sh evaluate ${key} reports/cards/${key}.json models/${key}.safetensors
      deps:
        - data/${item.dataset}.npz
        - models/${key}.safetensors
      metrics:
        - reports/cards/${key}.json: {cache: false, persist: true}
  plot:
    cmd: sh work.sh plot all reports/README.md reports/cards/*
    deps:
      - reports/cards
    outs:
      - reports/README.md: {cache: false, persist: true}
"""
# A stage: it refuses an input that is not whole, runs what a test hooks in, and writes its output.
WORK = """\
stage=$1@$2 out=$3 input=$4
echo "$stage begins" >> journal
[ -z "$input" ] || grep -q whole "$input" || exit 3
[ ! -f hook.sh ] || . ./hook.sh
mkdir -p "$(dirname "$out")"
printf half > "$out"
printf '%s is whole' "$stage" > "$out"
echo "$stage ends" >> journal
"""
DATASETS = ("a", "b")
# Every allowed form of a name; "a" is a dataset too.
MODELS = {"a": "a", "0": "b", "A-1_b" + "-x" * 48: "a"}
ALL = {
    *(f"generate@{name}" for name in DATASETS),
    *(f"{stage}@{name}" for stage in ("train", "evaluate") for name in MODELS),
    "plot@all",
}


def parameters(models: dict[str, str] = MODELS) -> str:
    """Write the text of params.yaml: each model and its dataset."""
    lines = ["datasets:", *(f"  '{name}': {{seed: 1}}" for name in DATASETS), "models:"]
    lines += [f"  '{name}': {{dataset: {dataset}, seed: 1}}" for name, dataset in models.items()]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def unmade(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was committed and not run; copy it before use."""
    root = tmp_path_factory.mktemp("side by side") / "unmade"
    for name in ("Makefile", "tools/side_by_side.sh", "tools/rows.mk", "requirements.lock"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        # Not executable: an artifact of CI, some disks and a mount without exec lose that.
        shutil.copyfile(ROOT / name, root / name)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "params.yaml").write_text(parameters())
    (root / "work.sh").write_text(WORK)
    (root / "stages").mkdir()
    (root / "stages/check.py").write_text("import sys; print('checked', file=sys.stderr)\n")
    (root / ".gitignore").write_text("/.venv/\n/journal\n/calls\n__pycache__/\n")
    python = shlex.quote(sys.executable)
    script(root / ".venv/bin/python", f'#!/bin/sh\nexec {python} "$@"\n')
    script(root / ".venv/bin/dvc", f'#!/bin/sh\necho "$@" >> calls\nexec {python} -m dvc "$@"\n')
    (root / ".venv/bin/.ready").touch()
    project = Project(root)
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.run("dvc", "init", "--quiet")
    project.run("dvc", "config", "core.analytics", "false")
    project.commit("code")
    return project


@pytest.fixture(scope="session")
def made(unmade: Project) -> Project:
    """The same project after `make repro` with one job, a plain `dvc repro`; copy it before use."""
    project = unmade.clone(unmade.root.with_name("made"))
    project.run("make", "repro", "JOBS=1")
    assert begun(journal(project)) == ALL
    return project


@pytest.fixture
def rows(unmade: Project, tmp_path: Path) -> Project:
    """A project of rows, not yet run, free to be changed."""
    return unmade.clone(tmp_path / "rows")


def journal(project: Project) -> list[str]:
    """Read what the stages noted, in order, and delete the journal."""
    file = project.root / "journal"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def begun(lines: list[str], word: str = "begins") -> set[str]:
    """List the stages that began, or ended."""
    return {line.partition(" ")[0] for line in lines if line.endswith(word)}


def lock_of(project: Project) -> bytes:
    return (project.root / "dvc.lock").read_bytes()


def test_new_rows_leave_the_lock_of_a_plain_repro(made: Project, tmp_path: Path) -> None:
    plain, rows = made.clone(tmp_path / "plain"), made.clone(tmp_path / "rows")
    models = {"new": "a", **MODELS, "y-new": "b"}
    for project in (plain, rows):
        (project.root / "params.yaml").write_text(parameters(models))
    plain.run("dvc", "repro")
    rows.run("make", "repro", "JOBS=2")
    assert lock_of(rows) == lock_of(plain)
    new = {f"{stage}@{name}" for stage in ("train", "evaluate") for name in models.keys() - MODELS}
    assert begun(journal(rows)) == new | {"plot@all"}


def test_rows_run_at_the_same_time_and_after_what_they_read(rows: Project, made: Project) -> None:
    # A dataset waits for the other, a model for all others: one after the other would never end.
    (rows.root / "hook.sh").write_text(
        "case $stage in\n"
        f"generate@*) wanted='{' '.join(DATASETS)}';;\n"
        f"train@*) wanted='{' '.join(MODELS)}';;\n"
        "*) wanted=;;\n"
        "esac\n"
        "for name in $wanted; do\n"
        '    while ! grep -qxF "${stage%@*}@$name begins" journal; do sleep 0.1; done\n'
        "done\n"
    )
    shown = rows.run("make", "repro", f"JOBS={len(MODELS)}")
    assert lock_of(rows) == lock_of(made)
    lines = journal(rows)
    assert begun(lines) == ALL and len(lines) == 2 * len(ALL)
    for name, dataset in MODELS.items():
        # Each line of a row carries its name.
        assert f"{name} | Running stage 'train@{name}':" in shown
        ordered = [f"generate@{dataset} ends", f"train@{name} begins", f"train@{name} ends"]
        ordered += [f"evaluate@{name} begins", f"evaluate@{name} ends", "plot@all begins"]
        assert sorted(ordered, key=lines.index) == ordered


def test_nothing_to_do_costs_two_commands_of_dvc_side_by_side(
    made: Project, tmp_path: Path
) -> None:
    rows = made.clone(tmp_path / "rows")
    (rows.root / "calls").unlink()
    shown = rows.run("make", "repro", "JOBS=2")
    assert shown == "checked\nData and pipelines are up to date.\n"
    calls = (rows.root / "calls").read_text().splitlines()
    assert sorted(calls) == ["--wait-for-lock repro --dry --force-downstream", "dag --dot"]
    assert not journal(rows)


@pytest.mark.parametrize("name", ["über alles", "-k"])
def test_a_stage_that_make_cannot_name_is_made_too(
    made: Project, tmp_path: Path, name: str
) -> None:
    """DVC lets letters, spaces and dashes through that a goal of make cannot have."""
    rows = made.clone(tmp_path / "rows")
    with (rows.root / "dvc.yaml").open("a") as file:
        file.write(f"  '{name}':\n    cmd: cp reports/README.md copy\n")
        file.write("    deps: [reports/README.md]\n    outs: [copy]\n")
    rows.run("make", "repro", "JOBS=2")
    assert (rows.root / "copy").read_text() == "plot@all is whole"


def test_a_row_that_fails_does_not_stop_the_others(rows: Project, made: Project) -> None:
    (rows.root / "hook.sh").write_text(
        'case $stage in generate@b|evaluate@a) echo "no luck" >&2; exit 2;; esac\n'
    )
    failed = rows.try_("make", "repro", "JOBS=2")
    assert failed.returncode == 2
    assert "generate@b | no luck" in failed.stdout and "a | no luck" in failed.stdout
    # What reads a dataset that failed does not begin; all else ends.
    lines = journal(rows)
    ended = begun(lines, "ends")
    *_, last = MODELS
    assert ended == {"generate@a", "train@a", f"train@{last}", f"evaluate@{last}"}
    assert begun(lines) - ended == {"generate@b", "evaluate@a"}
    (rows.root / "hook.sh").unlink()
    rows.run("make", "repro", "JOBS=1")
    assert not begun(journal(rows)) & ended
    assert sorted(lock_of(rows).splitlines()) == sorted(lock_of(made).splitlines())


def test_the_check_comes_first(rows: Project) -> None:
    (rows.root / "stages/check.py").write_text("raise SystemExit('error: a mistake')\n")
    refused = rows.try_("make", "repro")
    assert refused.returncode == 2
    assert refused.stdout == "error: a mistake\n"
    assert not (rows.root / "calls").exists() and not journal(rows)


@pytest.mark.parametrize(
    ("command", "signal_", "begun"),
    [
        ("exec make repro JOBS=1", signal.SIGINT, 1),
        ("exec make repro JOBS=2", signal.SIGINT, 2),
        # A script's background ignores Ctrl-C, and so does all that it starts.
        ("make repro JOBS=2 & wait", signal.SIGHUP, 2),
    ],
)
def test_a_signal_ends_all_rows_in_one_line(
    rows: Project, command: str, signal_: signal.Signals, begun: int
) -> None:
    (rows.root / "hook.sh").write_text("exec sleep 600\n")  # a shell that forks may miss a signal
    running = start(rows, "sh", "-c", command)
    journal = rows.root / "journal"
    wait_for(lambda: journal.exists() and journal.read_text().count("begins") == begun, running)
    os.killpg(running.pid, signal_)
    shown, message = running.communicate(timeout=60)
    assert INTERRUPTED in message and running.returncode == -signal_
    if signal_ == signal.SIGINT:
        assert message == INTERRUPTED and not re.search("(?i)error|interrupt", shown)
    assert not list(working_in(rows))
    assert not (rows.root / "dvc.lock").exists()


def test_ctrl_c_waits_while_dvc_writes_its_lock(made: Project, tmp_path: Path) -> None:
    rows = made.clone(tmp_path / "rows")
    whole = len(lock_of(rows))
    (rows.root / "params.yaml").write_text(parameters().replace("seed: 1", "seed: 2"))
    script(rows.root / ".venv/bin/dvc", HALTING_DVC)
    running = start(rows, "make", "repro", "JOBS=2")
    wait_for((rows.root / "halted").exists, running)
    os.killpg(running.pid, signal.SIGINT)
    wait_for(lambda: "flock" in working_in(rows), running)
    (rows.root / "go on").touch()
    _, message = running.communicate(timeout=60)
    assert message == INTERRUPTED
    assert len(lock_of(rows)) == whole


def test_an_environment_is_ready_when_dvc_and_torch_start(
    rows: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A `python3` whose environments have a pip that notes where it would install, and installs
    # nothing.
    shutil.rmtree(rows.root / ".venv")
    python = tmp_path / "python3"
    note = 'env | grep -E "^PIP_(TARGET|PREFIX|USER)=" > asked; exit 0'
    script(
        python,
        f'#!/bin/sh\ncase $2 in venv) ;; *) exec {shlex.quote(sys.executable)} "$@";; esac\n'
        "mkdir -p .venv/bin\n"
        f"printf '#!/bin/sh\\n{note}\\n' > .venv/bin/python\n"
        "printf '#!/bin/sh\\nexit 1\\n' > .venv/bin/dvc\n"
        "chmod +x .venv/bin/*\n",
    )
    for variable in ("PIP_TARGET", "PIP_PREFIX", "PIP_USER"):
        monkeypatch.setitem(ENVIRONMENT, variable, str(tmp_path / "elsewhere"))
    done = rows.try_("make", ".venv/bin/.ready", f"PYTHON={python}")
    assert done.returncode == 2
    assert "dvc or torch does not start from .venv" in done.stderr
    assert not (rows.root / ".venv/bin/.ready").exists()
    assert (rows.root / "asked").read_text() == ""


def test_a_folder_that_was_moved_gets_a_new_environment(rows: Project) -> None:
    for place, text in (("/its/old/place", "-m venv --clear .venv"), (rows.root, "")):
        (rows.root / ".venv/bin/.ready").write_text(f"{place}\n")
        shown = rows.run("make", "--dry-run", "repro")
        assert text in shown and ("-m venv" in shown) == bool(text)


@pytest.mark.parametrize("installed", ["torch==2.13.0+cpu\ndvc==3.67.1\n", "torch==2.13.0\n"])
def test_a_link_to_an_environment_is_used_where_it_has_the_packages_of_the_lock(
    rows: Project, installed: str
) -> None:
    """Worktrees share one so, and the lock of a new worktree is newer. To make it anew would empty
    the other folder's."""
    environment = rows.root.with_name("environment")
    (rows.root / ".venv").rename(environment)
    (rows.root / ".venv").symlink_to(environment)
    (rows.root / "requirements.lock").write_text("dvc==3.67.1\ntorch==2.13.0\n")
    python = (environment / "bin/python").read_text()
    freeze = f"case $3 in freeze) printf {shlex.quote(installed)}; exit;; esac\n"
    script(environment / "bin/python", python.replace("exec", f"{freeze}exec", 1))
    done = rows.try_("make", ".venv/bin/.ready")
    assert done.returncode == (0 if "dvc" in installed else 2)
    missing = "error: .venv is a link to an environment without dvc==3.67.1 …"
    assert (missing in done.stderr) == ("dvc" not in installed)
    assert (environment / "bin/.ready").read_text() == ""


def test_source_without_history_says_what_dvc_needs(made: Project, tmp_path: Path) -> None:
    """As a code host's ZIP file or `git archive` gives it."""
    rows = made.clone(tmp_path / "rows")
    shutil.rmtree(rows.root / ".git")
    done = rows.try_("make", "repro", "JOBS=2")
    assert done.returncode == 2
    assert done.stdout.startswith("error: this folder has no Git repository")
    assert done.stdout.count("\n") == 1
    rows.run("dvc", "config", "--local", "core.no_scm", "true")
    assert "up to date" in rows.run("make", "repro", "JOBS=1")


def test_no_variable_of_the_user_stops_a_run(made: Project, tmp_path: Path) -> None:
    rows = made.clone(tmp_path / "rows")
    (rows.root / "params.yaml").write_text(parameters({"one": "a"}))
    (rows.root / "hook.sh").write_text('python -m stages.check && [ "$LOGNAME" ] || exit\n')
    variables = ("PYTHONSAFEPATH=1", "PYTHONWARNINGS=error", "SHELL=/usr/sbin/nologin", "HOME=")
    # A user without a name has no LOGNAME either, and DVC stops where it finds none.
    rows.run("env", "--unset=LOGNAME", *variables, "make", "repro", "JOBS=2")


def test_a_read_only_folder_is_one_line(rows: Project) -> None:
    folder = shlex.quote(str(rows.root))
    mounted = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}"
    command = ("unshare", "--mount", "sh", "-c")
    if rows.try_(*command, mounted).returncode:
        pytest.skip("no folder can be made read-only here: it takes root")
    done = rows.try_(*command, f"{mounted} && cd {folder} && make repro JOBS=2")
    assert done.returncode == 2
    assert done.stdout == "error: this folder is read-only: nothing can be made in it\n"
