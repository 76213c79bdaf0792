# Every command of the project; CI calls the same ones (.ci/run). `make help` lists them.
#
#   make demo ARGS="--listen 127.0.0.1:9000 --fresh"

SHELL := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
# A shell that never loaded ~/.cargo/env still finds Cargo.
export PATH := $(PATH):$(HOME)/.cargo/bin
ARGS ?=
FUZZ_SECONDS ?= 60
# What `bench` builds. Where the whole workspace is built for release already: SELECTION=--workspace.
SELECTION ?= -p benches
# The tests open many sockets at once: take what the system allows.
OPEN_FILES = ulimit -n $$(ulimit -Hn) 2>/dev/null || true

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench bench-quick counts fuzz prerequisites services

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: prerequisites ## run everything in one process, with a sandbox partner's keys
	cargo run --release -- demo $(ARGS)

test: services ## run every test: units, rules of the house, end to end
	@mkdir -p target
	$(OPEN_FILES); cargo test --workspace --tests --no-fail-fast $(ARGS) 2>&1 | tee target/test.log
	@awk '/^test result: / { gsub(";", ""); passed += $$4; failed += $$6; skipped += $$8 } \
	  END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit passed == 0 }' target/test.log

lint: prerequisites ## formatting, lints as errors, licences and banned crates
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; \
	  else echo "lint: licences and bans were not checked (no cargo-deny here: cargo install cargo-deny)"; fi

bench: services ## what a request costs, beside the peers: writes benches/results.json, RESULTS.md, results.html
	cargo bench $(SELECTION) --bench filters
	$(OPEN_FILES); cargo bench $(SELECTION) --bench edge

bench-quick: services ## the same in small: one short round of `pass`, into target/bench
	$(OPEN_FILES); BENCH_ROUNDS=1 BENCH_SECONDS=1 BENCH_CURVES=0 BENCH_ONLY=$${BENCH_ONLY:-pass} \
	  cargo bench $(SELECTION) --bench edge

counts: ## instructions of single parts under valgrind, beside those of main
	@bash .ci/prerequisites counts
	CARGO_INCREMENTAL=0 cargo bench --profile dev --workspace --bench counts --config .ci/counts.toml

fuzz: prerequisites ## each fuzz target for FUZZ_SECONDS (60)
	FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz/run $(ARGS)

prerequisites:
	@bash .ci/prerequisites

services:
	@bash .ci/prerequisites services
