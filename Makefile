# The two commands that matter are `make run` and `make test`; each does its own set-up.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,14))' \
	2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
OUT ?= out/samples
EXTRAS ?=
ARGS ?=
# What `make test-peers` calls with, of Debian.
PEERS := sip-tester baresip-core kamailio chromium coturn nginx-light caddy
SOAK := kill9 replay-scripted replay-embedded memory-scripted memory-embedded \
	peers sip-cost sip-drift sip-bargein sip-echo webrtc-cost webrtc-loss webrtc-echo
# Each process in a network of its own, which takes root.
SIDE_BY_SIDE := $(shell test "$$(id -u)" = 0 && echo --numprocesses=3 --dist=loadfile)
# On a terminal pip shows what it fetches; elsewhere it keeps quiet.
QUIET := $(shell test -t 2 || echo -q)
# Is the build of `make pjsua2` installed? Then PyPI's, which would hide it, stays out.
HARDENED = ls .venv/lib/python3*/site-packages/pjsua2.py >/dev/null 2>&1
SIP_ENGINE = $(BIN)/python -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("pjsua2"))'

.DEFAULT_GOAL := help
.NOTPARALLEL:  # pip does not bear company
.PHONY: help run setup pjsua2 test test-voicechat test-core test-peers check format lock bench soak peers golden samples licences image clean

help:  ## what there is
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

run: .venv/.sip  ## take calls from browsers and softphones on this machine, until Ctrl-C (ARGS="http.port=8081")
	@if $(SIP_ENGINE); then sip=; else sip=sip.enabled=false; \
	  echo "Browsers only: PyPI has no SIP engine for this Python and machine. On Debian, make pjsua2 builds it."; fi; \
	echo "No microphone? $(BIN)/parley replay samples/ --out $(OUT)"; \
	exec $(BIN)/parley serve $$sip $(ARGS)

setup: .venv/.base  ## only the set-up: .venv/ with the parley command (EXTRAS=aec,voicechat)
	@if [ -n "$(EXTRAS)" ]; then $(BIN)/python -m pip install $(QUIET) -c constraints.txt -e '.[$(EXTRAS)]'; \
	  ! $(HARDENED) || $(BIN)/python -m pip uninstall -q -y pjsua2-python 2>/dev/null; fi
	@echo "$(BIN)/parley is ready"

pjsua2: .venv/.base  ## build the SIP engine for a network, from Debian's sources (two minutes)
	@docker/pjsua2/install.sh $(BIN)/python

test: .venv/.dev .venv/.sip  ## every test that needs Python packages alone
	@$(BIN)/python -m pytest

test-voicechat: .venv/.voicechat  ## the model's tests, with PyTorch and transformers
	@$(BIN)/python -m pytest tests/voicechat

test-core: .venv/.dev  ## the tests of media and bot without engines, in seconds
	@$(BIN)/python -m pytest tests/media tests/bot --ignore=tests/bot/engines --ignore=tests/bot/dialogue -m "not live"

test-peers: peers  ## calls with SIPp, baresip, Kamailio, Chromium, coturn; ten minutes
	@$(BIN)/python -m pytest -m "peers and not alone" tests/peers -rs $(SIDE_BY_SIDE)
	@$(BIN)/python -m pytest -m "peers and alone" tests/peers -rs

peers: .venv/.peers
	@docker/packages.sh $(PEERS)
	@$(MAKE) --no-print-directory pjsua2

check: .venv/.dev  ## format, lint, types, layers, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-voicechat

format: .venv/.dev  ## put the code into form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

soak: peers  ## what must hold for long, with full counts, into benchmarks/results/: hours
	@$(BIN)/python -m benchmarks.run $(SOAK)

golden: .venv/.dev  ## rewrite the golden calls of the tests; review the difference
	@$(BIN)/python -m tests.golden.rewrite
	@git --no-pager diff --stat -- tests/golden

samples: .venv/.dev  ## make the sample calls anew
	@$(BIN)/python -m samples.make

bench: .venv/.dev  ## benchmarks, into benchmarks/results/
	@$(BIN)/python -m benchmarks.run

licences: .venv/.dev  ## write docs/licences.md anew from what is installed
	@$(BIN)/python docs/licences.py

image:  ## the CPU container image
	docker build -f docker/Dockerfile -t parley:cpu .

lock: .venv/bin/python  ## pin every dependency, with hashes, for Python 3.11 to 3.14
	@$(BIN)/python -m pip install -q 'uv>=0.9'
	@for part in base sip dev peers; do \
	  case $$part in base) extra=; out=requirements.lock;; *) extra="--extra $$part"; out=requirements-$$part.lock;; esac; \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url $$extra $$( [ $$part = base ] || echo -c requirements.lock ) \
	    pyproject.toml -o $$out && echo "wrote $$out" || exit 1; done

clean:  ## remove what the other targets made
	rm -rf .venv out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Parley needs Python 3.11 to 3.14; install one, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "no venv module: on Debian or Ubuntu, apt-get install python3-venv" >&2; rm -rf .venv; exit 1; }

.venv/.base: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing Parley into .venv (some 350 MB the first time) …"
	@$(BIN)/python -m pip install $(QUIET) --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install $(QUIET) --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/.sip: requirements-sip.lock .venv/.base
	@$(HARDENED) || { \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-sip.lock && \
	  { ! $(SIP_ENGINE) || echo "The SIP engine pjsua2 is PyPI's: GPL, 4 calls, this machine only (docs/pjsua2.md)."; }; }
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.base
	@$(BIN)/python -m pip install $(QUIET) --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.peers: requirements-peers.lock .venv/.dev
	@$(BIN)/python -m pip install $(QUIET) --disable-pip-version-check --require-hashes -r requirements-peers.lock
	@touch $@

.venv/.voicechat: constraints.txt .venv/.dev
	@$(BIN)/python -m pip install $(QUIET) --disable-pip-version-check -c constraints.txt -e '.[voicechat]'
	@touch $@
