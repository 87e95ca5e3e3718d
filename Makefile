# A thin front: presets of CMake and scripts of tools/ do the work. `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help build test demo bench check nightly clean

# How many things at a time: -jN given to make, else JOBS=N, else one for each processor.
JOBS ?= $(shell nproc)
jobs = $(or $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS))),$(JOBS))

# Tests of real processes wait more than they compute: one more at a time.
test_jobs = $(shell expr $(jobs) + 1)

# How long each fuzz target runs in `make nightly`, in seconds, and how many seeds are simulated.
FUZZ_SECONDS ?= 60
SEEDS ?= 2000

help:
	@echo 'make build    install what is missing and build (build/dev)'
	@echo 'make test     build, and everything that decides right or wrong'
	@echo 'make demo     build, and the main job from end to end (out/demo, then a whole session: out/session)'
	@echo 'make bench    measure; appends to bench/results'
	@echo 'make check    layout, each header alone, clang-tidy'
	@echo 'make nightly  second compiler, sanitizers, fuzzing, long seeds (build/nightly/summary.md)'
	@echo 'make clean    remove build and out'
	@echo 'JOBS=N or -jN limits the parallel work; FUZZ_SECONDS=N and SEEDS=N size the nightly run.'

build:
	@tools/install_packages.sh build test
	@cmake --preset dev
	@cmake --build --preset dev --parallel $(jobs)

test: build
	@tools/install_packages.sh players
	@tools/run_tests.py --preset dev --jobs $(test_jobs)

demo:
	@tools/install_packages.sh build test
	@cmake --preset dev
	@cmake --build --preset dev --parallel $(jobs) --target lobo
	@build/dev/lobo demo story
	@build/dev/lobo demo session

bench:
	@tools/install_packages.sh build test nightly
	@cmake --preset bench
	@cmake --build --preset bench --parallel $(jobs)
	@tools/run_benches.py

check:
	@tools/install_packages.sh build test nightly
	@cmake --preset check
	@cmake --build --preset check --parallel $(jobs) --target lobo_api_generated
	@tools/check.py --jobs $(jobs)

nightly:
	@tools/install_packages.sh build test players nightly
	@tools/nightly.py --jobs $(jobs) --fuzz-seconds $(FUZZ_SECONDS) --seeds $(SEEDS)

clean:
	@rm -rf build out
