# For side_by_side.sh. STAGES: the stages that DVC may have to run. A second makefile, on standard
# input, has the edges of DVC's graph as rules.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
TRAIN := $(filter train@%,$(STAGES))

.PHONY: $(STAGES)
# One DVC process trains and evaluates a model, since starting DVC takes a second.
$(filter-out $(TRAIN),$(STAGES)):
	dvc --wait-for-lock repro --single-item $(filter $(@:evaluate@%=train@%),$(TRAIN)) $@ 2>&1 \
		| sed -u 's/^/$(@:evaluate@%=%) | /'
# All other targets of the rules, files and stages that are up to date, need nothing.
.DEFAULT:
	@:
