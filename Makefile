# The index of what one can do here. `make` alone prints it. Continuous integration calls the same targets.
# Rule: every target sets up what it needs, asks nothing, and needs no root (except that Chromium is installed if it can be).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
MICROPYTHON := build/micropython/micropython
MICROPYTHON32 := build/micropython32/micropython
# The same with shared/, firmware/ and the scripts that measure frozen into it, as an image of a board has them.
FROZEN := build/micropython32/penstock

# make test-cloud ARGS="-k tariff"    arguments for the program that a target starts
# make test-mpy HEAP=192K             another heap; that of test-mpy32 is 2M, since all is loaded from text there
# make test-life LONG=1               longer lives, and more of them
ARGS ?=
HEAP ?=
LONG ?=

VENV_STAMP := $(VENV)/.stamp
STUBS_STAMP := build/stubs/.stamp
MICROPYTHON_STAMP := build/micropython/.stamp
MICROPYTHON32_STAMP := build/micropython32/.stamp
FROZEN_STAMP := build/micropython32/.frozen-stamp
FROZEN_FOLDERS := shared shared/sts firmware $(filter-out %__pycache__/,$(wildcard firmware/*/)) boards tests/bench tests/fakes tools/sim/device
FROZEN_SOURCES := $(FROZEN_FOLDERS:%=%/.) $(foreach folder,$(FROZEN_FOLDERS),$(wildcard $(folder)/*.py))
UMQTT_STAMP := build/micropython/lib/.stamp
RP2040_STAMP := build/rp2040/.stamp
EMULATOR_STAMP := tests/board/emulator/node_modules/.stamp
# The board whose image is built, run and measured; make firmware BOARD=NAME for another, see boards/README.md.
BOARD ?= rp2_pico_ppp
IMAGE := build/firmware/$(BOARD).bin
# Those that are tested on the emulated chip: of one meter and of eight.
TESTED_IMAGES := build/firmware/rp2_pico_ppp.bin build/firmware/rp2_pico_ppp8.bin
# Boards of a stock MicroPython: there the gateway is a package beside it.
PACKAGED := esp32_devkit rp2_pico_w
SOFTHSM_STAMP := build/softhsm/.stamp
SETUP := $(VENV_STAMP) $(STUBS_STAMP) $(MICROPYTHON_STAMP) $(UMQTT_STAMP)
# What only tests need.
TEST_SETUP := $(SETUP) $(SOFTHSM_STAMP)

##@ Start

.PHONY: help
help: ## Print this list
	@awk -f tools/setup/help.awk $(MAKEFILE_LIST)

.PHONY: setup
setup: $(SETUP) ## Make .venv and build/: locked Python packages, MicroPython's unix port, type stubs

.PHONY: run
run: $(SETUP) ## Start the broker, the database and the cloud on this machine, until Ctrl-C
	@$(RUN) -m tools.run $(ARGS)

.PHONY: demo
demo: $(SETUP) ## Show the whole story in one go: pay, vend, type the token, meter, verify
	@$(RUN) -m tools.demo $(ARGS)

##@ Test

.PHONY: test
test: $(TEST_SETUP) $(FROZEN_STAMP) $(EMULATOR_STAMP) $(TESTED_IMAGES) browser ## Run every test: under MicroPython of 64 and of 32 bits, then under CPython with servers, a browser and a board
	@echo "test: four suites, two at a time; each prints what it found when it ends (before: build/test/*.log)"
	@$(MAKE) -j2 --keep-going --output-sync=target test-mpy test-mpy32 test-cloud test-but-cloud ARGS=

.PHONY: test-shared
test-shared: $(SETUP) ## Run the tests of shared/ on both interpreters
	@$(MAKE) test-mpy ARGS=tests.shared
	@$(RUN) -m pytest tests/shared $(ARGS)

.PHONY: test-firmware
test-firmware: $(SETUP) ## Run the tests of firmware/ on both interpreters
	@$(MAKE) test-mpy ARGS=tests.firmware
	@$(RUN) -m pytest tests/firmware $(ARGS)

.PHONY: test-mpy
test-mpy: $(MICROPYTHON_STAMP) $(UMQTT_STAMP) ## Run the plain tests under MicroPython only
	@$(MICROPYTHON) -X heapsize=$(or $(HEAP),4M) -m tests.mpy.run $(ARGS)

.PHONY: test-mpy32
test-mpy32: $(MICROPYTHON32_STAMP) $(UMQTT_STAMP) ## Run the same under a 32-bit MicroPython, as boards are
	@if [ -x $(MICROPYTHON32) ]; then $(MICROPYTHON32) -X heapsize=$(or $(HEAP),2M) -m tests.mpy.run $(ARGS); \
	else echo "test-mpy32: SKIPPED; the line above says why"; fi

.PHONY: test-cloud
test-cloud: $(TEST_SETUP) ## Run the tests of cloud/ on SQLite and PostgreSQL
	@bash tools/setup/suite.sh $(RUN) cloud tests/cloud $(ARGS)

.PHONY: test-but-cloud
test-but-cloud: $(TEST_SETUP) $(FROZEN_STAMP) $(EMULATOR_STAMP) $(TESTED_IMAGES) browser ## Run all the others that pytest runs
	@bash tools/setup/suite.sh $(RUN) but-cloud tests --ignore=tests/cloud $(ARGS)

.PHONY: test-system
test-system: $(SETUP) ## Run the tests across gateway, broker and cloud
	@$(RUN) -m pytest tests/system $(ARGS)

.PHONY: test-browser
test-browser: $(SETUP) browser ## Run the tests that use the development page in a real browser
	@$(RUN) -m pytest tests/sim/test_page.py $(ARGS)

.PHONY: test-cuts
test-cuts: $(MICROPYTHON_STAMP) $(UMQTT_STAMP) ## Cut the power at every command of a flash chip under littlefs; LONG=1: ten times as often
	@PENSTOCK_LONG=$(LONG) $(MICROPYTHON) -X heapsize=$(or $(HEAP),8M) -m tests.mpy.run littlefs $(ARGS)

.PHONY: test-board
test-board: $(SETUP) $(EMULATOR_STAMP) $(TESTED_IMAGES) ## Run the real images on an emulated RP2040; LONG=1: power cuts ten times as often
	@PENSTOCK_LONG=$(LONG) $(RUN) -m pytest tests/board $(if $(LONG),--timeout=7200) $(ARGS)

.PHONY: test-life
test-life: $(SETUP) ## Run random lives of gateways against slow models; LONG=1: longer ones, for ten minutes
	@PENSTOCK_LONG=$(LONG) $(RUN) -m pytest tests/life $(if $(LONG),--timeout=3600) $(ARGS)

.PHONY: test-tidy
test-tidy: $(SETUP) ## Run the rules of the house: imports, device syntax, boards, documents, sizes, words
	@$(RUN) -m pytest tests/tidy $(ARGS)

.PHONY: bench
bench: $(SETUP) $(FROZEN_STAMP) ## Measure speed against the regression bars
	@$(RUN) -m tests.bench $(ARGS)

##@ Board

.PHONY: firmware
firmware: $(if $(filter $(PACKAGED),$(BOARD)),$(VENV_STAMP) $(UMQTT_STAMP),$(IMAGE)) ## Build what a board runs, the whole gateway: BOARD=rp2_pico_ppp, esp32_devkit, ...
	@$(if $(filter $(PACKAGED),$(BOARD)),$(RUN) -m tools.package $(BOARD) build/firmware,:)

.PHONY: bench-board
bench-board: $(SETUP) $(EMULATOR_STAMP) firmware ## Measure that image on an emulated board, by the chip's own clock, against its bars
	@PENSTOCK_IMAGE=$(or $(PENSTOCK_IMAGE),$(IMAGE)) $(RUN) -m tests.board.bench $(ARGS)

.PHONY: board
board: $(SETUP) $(EMULATOR_STAMP) firmware ## Run that image on an emulated board, with its display and keypad in this terminal
	@PENSTOCK_IMAGE=$(or $(PENSTOCK_IMAGE),$(IMAGE)) $(RUN) -m tests.board $(ARGS)

##@ Check

.PHONY: check
check: $(SETUP) ## Check format, lint, types and the rules of the house; change nothing
	@bash tools/setup/check.sh $(VENV)

.PHONY: format
format: $(SETUP) ## Format the code and repair what lint can repair by itself
	@$(VENV)/bin/ruff check --fix --quiet . || true
	@$(VENV)/bin/ruff format .

##@ Maintain

.PHONY: migrate
migrate: $(SETUP) ## Bring the database of the settings in the environment to the newest schema
	@$(RUN) -m cloud migrate

.PHONY: provision
provision: $(SETUP) ## Enrol a gateway: ARGS="--cloud URL --ca FILE --key-file FILE --gateway N --port PORT"
	@$(RUN) -m tools.provision $(ARGS)

.PHONY: tables
tables: $(VENV_STAMP) ## Write docs/decisions.md from the code that decides
	@$(RUN) -m tools.decision_tables docs/decisions.md

.PHONY: lock
lock: $(VENV_STAMP) ## Write the lock files from pyproject.toml (UPGRADE=--upgrade takes the newest of everything)
	@bash tools/setup/lock.sh $(VENV)/bin/uv $(UPGRADE)

.PHONY: browser
browser: ## Install Debian's Chromium if no Chromium is there
	@bash tools/setup/chromium.sh

.PHONY: clean
clean: ## Remove what was set up and built; keep data/
	@rm -rf $(VENV) build .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What `make setup` makes. A stamp is written last, so an interrupted step is done again.

$(VENV_STAMP): requirements-dev.lock tools/setup/venv.sh
	@PYTHON=$(PYTHON) bash tools/setup/venv.sh requirements-dev.lock $(VENV)
	@touch $@

$(STUBS_STAMP): tools/setup/stubs.sh tools/setup/stubs-esp32.lock tools/setup/stubs-rp2.lock $(VENV_STAMP)
	@bash tools/setup/stubs.sh $(RUN) build/stubs
	@touch $@

$(MICROPYTHON_STAMP): tools/setup/micropython.sh tools/setup/debian.sh
	@bash tools/setup/micropython.sh build/micropython
	@touch $@

$(RP2040_STAMP): tools/setup/rp2040.sh tools/setup/debian.sh
	@bash tools/setup/rp2040.sh build/rp2040
	@if [ -x build/rp2040/bin/arm-none-eabi-gcc ]; then touch $@; fi

$(EMULATOR_STAMP): tests/board/emulator/package-lock.json $(VENV_STAMP)
	@bash tools/setup/emulator.sh $(CURDIR)/$(RUN) tests/board/emulator
	@touch $@

build/firmware/%.bin: $(RP2040_STAMP) $(UMQTT_STAMP) $(VENV_STAMP) tools/setup/image.sh tools/slot_image.py tools/uf2.py $(wildcard boards/*.py boards/*.hex firmware/image/*.* firmware/image/*/*) $(FROZEN_SOURCES)
	@PYTHON=$(RUN) bash tools/setup/image.sh build/rp2040 $* build/firmware

$(SOFTHSM_STAMP): tools/setup/softhsm.sh tools/setup/debian.sh
	@bash tools/setup/softhsm.sh build/softhsm
	@touch $@

# Where it cannot be built there is no program and no stamp, so the next run tries again.
$(MICROPYTHON32_STAMP): tools/setup/micropython32.sh tools/setup/debian.sh
	@PYTHON=$(PYTHON) bash tools/setup/micropython32.sh build/micropython32
	@if [ -x $(MICROPYTHON32) ]; then touch $@; fi

$(FROZEN_STAMP): tools/setup/freeze.sh $(FROZEN_SOURCES) $(MICROPYTHON32_STAMP) $(UMQTT_STAMP)
	@PYTHON=$(PYTHON) bash tools/setup/freeze.sh build/micropython32/kit build/micropython/lib tests/bench/manifest.py $(FROZEN)
	@if [ -x $(FROZEN) ]; then touch $@; fi

$(UMQTT_STAMP): tools/setup/umqtt.sh $(VENV_STAMP)
	@bash tools/setup/umqtt.sh $(VENV) build/micropython/lib
	@touch $@
