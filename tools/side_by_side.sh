#!/usr/bin/env bash
# The rows of dvc.yaml side by side, at most JOBS at a time: `tools/side_by_side.sh JOBS`.
# DVC lists the stages to run, and runs each of them. Make starts a stage when all stages before it
# in DVC's graph have ended.
set -o pipefail
# Names of stages that make can use. If any other name occurs, a plain `dvc repro` runs all stages.
NAME='[A-Za-z0-9_][A-Za-z0-9_@-]*'

repro() {
    local plan stages graph before failed=0
    if [[ ! -w .dvc ]]; then  # DVC would wait for ever for its lock
        echo "error: this folder is read-only: nothing can be made in it"
        return 2
    fi
    if ! git rev-parse --git-dir &> /dev/null && [[ $(dvc config core.no_scm) != true ]]; then
        echo "error: this folder has no Git repository, and DVC looks for one:" \
            "\`git init\`, or \`dvc config --local core.no_scm true\`"
        return 2
    fi
    # Holds DVC's own lock, so that nobody writes dvc.lock during the check.
    mkdir -p .dvc/tmp && flock .dvc/tmp/lock python -m stages.check || return
    if [[ $1 == 1 ]]; then
        dvc --wait-for-lock repro --keep-going
        return
    fi
    exec 3< <(dvc dag --dot)  # while the next command runs
    plan=$(dvc --wait-for-lock repro --dry --force-downstream) || return
    graph=$(cat <&3) && wait "$!" || return
    stages=$(sed -n "s/^Running stage '\(.*\)':$/\1/p" <<< "$plan")
    if [[ ! $stages ]]; then
        tail -n 1 <<< "$plan"  # DVC's message that all is up to date
        return
    fi
    if grep -qvx "$NAME" <<< "$stages"; then
        dvc --wait-for-lock repro --keep-going
        return
    fi
    before=$(locked_stages)
    sed -n 's/^"\(.*\)" -> "\('"$NAME"'\)";$/\2: \1/p' <<< "$graph" \
        | MAKEFLAGS='' make --silent --keep-going --jobs="$1" \
            --file=tools/rows.mk --file=- STAGES="${stages//$'\n'/ }" $(in_turn "$stages") \
        || failed=$?
    put_in_order "$before"$'\n'"$stages" || return
    return "$failed"
}

# Orders the stages: the last rows take longest, so they start first.
in_turn() {
    grep @ <<< "$1" | tac
    grep -v @ <<< "$1"
}

# Lists the stages in dvc.lock, in its order.
locked_stages() {
    sed -n 's/^  \([^ ].*\):$/\1/p' dvc.lock 2> /dev/null
}

# DVC appends each new stage to dvc.lock when the stage ends. Sorts them as `dvc repro` would.
put_in_order() {
    local ordered
    ordered=$(awk 'NR == FNR { locked[$0]; next } $0 in locked && !seen[$0]++' \
        <(locked_stages) - <<< "$1")
    [[ $(locked_stages) == "$ordered" ]] || flock .dvc/tmp/lock python -c '
import os, sys
from dvc.utils.serialize import dump_yaml, parse_yaml_for_update
with open("dvc.lock", encoding="utf-8") as file:
    lock = parse_yaml_for_update(file.read(), "dvc.lock")
for name in sys.argv[1].split():
    lock["stages"].move_to_end(name)
dump_yaml("dvc.lock.partial", lock)
os.replace("dvc.lock.partial", "dvc.lock")' "$ordered"
}

# Ends all processes. flock holds DVC's lock, so no process is writing dvc.lock when the signal comes.
interrupt() {
    trap - INT TERM HUP
    flock .dvc/tmp/lock kill "-$ending" -- "-$group"
    while kill -0 -- "-$group" 2> /dev/null; do sleep 0.1; done
    echo "interrupted: the old outputs were left as they were" >&2
    exit 130
}

ending=INT
# A script in the background of another ignores SIGINT; then its processes are ended by SIGTERM.
(( 0x$(sed -n 's/^SigIgn:\t//p' /proc/$$/status) & 2 )) && ending=TERM

set -m  # a process group of its own, so that Ctrl-C reaches this script alone
repro "$1" < /dev/null 2>&1 \
    | sed -uE '/^(\w+ \| )?($|\tgit add |\tdvc config|To track|To enable|Stage .* skipping$)/d' &
group=$(jobs -p)
set +m
trap interrupt INT TERM HUP
wait "$!"
