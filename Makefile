# `make demo` and `make check` set up what they need and run without a step by hand.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
INKLING := $(or $(CARGO_TARGET_DIR),target)/release/inkling

.PHONY: help demo build check setup format lint test doc licences bench bench-darwin bench-assess bench-peers fixtures screeners picture clean

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

demo: build ## build, assess the session in fixtures/session, write demo/report.html
	@$(INKLING) assess fixtures/session --out demo
	@echo
	@echo "The report is demo/report.html; its numbers are demo/report.json."

build: setup ## the release binary, target/release/inkling
	@cargo build --release --quiet -p inkling-cli

setup: ## what a build needs beyond cargo
	@scripts/setup build

check: setup ## everything that must be green: format, lints, licences, docs, tests
	@scripts/setup check
	$(MAKE) --no-print-directory format lint licences doc test

format:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets --features inkling-neural/ort --quiet -- -D warnings

licences:
	cargo deny --log-level error check licenses bans sources

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

test:
	@scripts/test

bench: build ## figures of the README: cold assessment, DARWIN evaluation against scikit-learn
	@$(MAKE) --no-print-directory bench-assess bench-darwin

bench-assess: build ## CPU time and memory of one cold assessment
	@python3 bench/assess.py $(INKLING) fixtures/session

bench-darwin: build ## nested evaluation against scikit-learn (needs INKLING_DATA)
	@bench/darwin.sh $(INKLING)

bench-peers: build ## networks by us, ONNX Runtime and OpenVINO side by side (PyPI)
	@bench/peers.sh $(INKLING) $(NETWORKS)

screeners: build ## fit the shipped screeners again (needs INKLING_DATA)
	@scripts/screeners $(INKLING)

fixtures: ## make fixtures/session again (needs espeak-ng, sox and flac)
	@fixtures/make-speech.sh
	@cargo run --quiet --release -p inkling-ink --example make_drawings -- fixtures/session

picture: demo ## render the demo report as docs/report.png (needs chromium)
	@scripts/picture

clean:
	cargo clean
	rm -rf demo
