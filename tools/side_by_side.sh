#!/usr/bin/env bash
# The rows of dvc.yaml side by side, at most JOBS at a time: `tools/side_by_side.sh JOBS`.
# DVC says what there is to do and runs each stage. Make starts a stage when all before it in DVC's
# graph have ended.
set -o pipefail
# The names that make can say: with another among them a plain `dvc repro` makes all.
NAME='[A-Za-z0-9_][A-Za-z0-9_@-]*'

repro() {
    local plan stages graph before failed=0
    if [[ ! -w .dvc ]]; then  # DVC would wait for ever
        echo "error: this folder is read-only: nothing can be made in it"
        return 2
    fi
    if ! git rev-parse --git-dir &> /dev/null && [[ $(dvc config core.no_scm) != true ]]; then
        echo "error: this folder has no Git repository, and DVC looks for one:" \
            "\`git init\`, or \`dvc config --local core.no_scm true\`"
        return 2
    fi
    # DVC's own lock is held: nobody writes dvc.lock meanwhile.
    mkdir -p .dvc/tmp && flock .dvc/tmp/lock python -m stages.check || return
    if [[ $1 == 1 ]]; then
        dvc --wait-for-lock repro --keep-going
        return
    fi
    exec 3< <(dvc dag --dot)  # at the same time
    plan=$(dvc --wait-for-lock repro --dry --force-downstream) || return
    graph=$(cat <&3) && wait "$!" || return
    stages=$(sed -n "s/^Running stage '\(.*\)':$/\1/p" <<< "$plan")
    if [[ ! $stages ]]; then
        tail -n 1 <<< "$plan"  # DVC's own words: up to date
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

# Of the rows the last take longest: they go first.
in_turn() {
    grep @ <<< "$1" | tac
    grep -v @ <<< "$1"
}

# The stages in dvc.lock, in its order.
locked_stages() {
    sed -n 's/^  \([^ ].*\):$/\1/p' dvc.lock 2> /dev/null
}

# DVC appends a new stage to dvc.lock when it ends. Put each where `dvc repro` would have.
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

# Ends everything. While flock holds DVC's lock nobody writes dvc.lock: a signal cannot cut it short.
interrupt() {
    trap - INT TERM HUP
    flock .dvc/tmp/lock kill "-$ending" -- "-$group"
    while kill -0 -- "-$group" 2> /dev/null; do sleep 0.1; done
    echo "interrupted: the old outputs were left as they were" >&2
    exit 130
}

ending=INT
# In the background of a script everything ignores Ctrl-C's signal.
(( 0x$(sed -n 's/^SigIgn:\t//p' /proc/$$/status) & 2 )) && ending=TERM

set -m  # a process group of its own, so that Ctrl-C reaches this script alone
repro "$1" < /dev/null 2>&1 \
    | sed -uE '/^(\w+ \| )?($|\tgit add |\tdvc config|To track|To enable|Stage .* skipping$)/d' &
group=$(jobs -p)
set +m
trap interrupt INT TERM HUP
wait "$!"
