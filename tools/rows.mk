# For side_by_side.sh: STAGES are those that may have work. The edges of DVC's graph come as
# rules on standard input.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
TRAIN := $(filter train@%,$(STAGES))

.PHONY: $(STAGES)
# One process of DVC trains a model and evaluates it: starting one takes a second.
$(filter-out $(TRAIN),$(STAGES)):
	dvc --wait-for-lock repro --single-item $(filter $(@:evaluate@%=train@%),$(TRAIN)) $@ 2>&1 \
		| sed -u 's/^/$(@:evaluate@%=%) | /'
# What else the rules name: stages without work, and files.
.DEFAULT:
	@:
