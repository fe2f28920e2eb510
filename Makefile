# What a person does with this project. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON_SOURCES := lambda sandbox tests
INSTALLED := $(VENV)/installed-from
CHECKED := .build/terraform
AUDIT := .build/audit
AUDITED := $(AUDIT)/terraform

.PHONY: help venv build check audit test browser demo sandbox companions intake load bench soak lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(INSTALLED) ## Make .venv with Python 3.12 and the pinned packages

$(INSTALLED): requirements-dev.txt
	@python=$$(./build.sh --python) && "$$python" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps --only-binary=:all: --requirement requirements-dev.txt
	@cp requirements-dev.txt $@

build: ## Build the eight zips in lambda/
	./build.sh

check: venv ## Formatting, lint, types, layers and Terraform
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(BIN)/mypy $(PYTHON_SOURCES)
	PYTHONPATH=lambda:. $(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python -m statelint --eval-jsonata intake.asl.json
	terraform fmt -check -recursive
	@# In a copy, so that an operator's own .terraform and lock file stay as they are. A mirror
	@# of unpacked providers serves machines that cannot reach the registry.
	@rm -f $(CHECKED)/*.tf && mkdir -p $(CHECKED) && cp *.tf *.asl.json $(CHECKED)
	@mirror=$$($(BIN)/python -c 'from sandbox.terraform import plugin_mirror; print(plugin_mirror() or "")') && \
		terraform -chdir=$(CHECKED) init -input=false -backend=false $${mirror:+"-plugin-dir=$$mirror"} >/dev/null
	terraform -chdir=$(CHECKED) validate

# Not part of `check`: its packages take a minute to install, and its answer changes with the world.
audit: $(AUDIT)/installed-from ## Known mistakes in Terraform, known holes in the packages (needs the internet)
	@rm -rf $(AUDITED) && mkdir -p $(AUDITED) && cp *.tf *.asl.json $(AUDITED)
	$(AUDIT)/bin/checkov --directory $(AUDITED) --framework terraform --compact --quiet --skip-download
	@# Strict, for a package it could not ask about would pass for a sound one.
	@said=$$($(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		$(addprefix --requirement ,$(wildcard lambda/*.requirements.txt)) 2>&1) && echo "$$said" || { \
		if grep -qE 'could not be audited|ConnectionError|ServiceError|Timeout' <<<"$$said"; \
		then echo "The database of vulnerabilities could not be reached: nothing is known about the packages."; \
		else echo "$$said"; fi >&2; exit 1; }

$(AUDIT)/installed-from: requirements-audit.txt
	@python=$$(./build.sh --python) && "$$python" -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps --only-binary=:all: --requirement $<
	@cp $< $@

# Coverage is judged where all tests run; its floor is in pyproject.toml.
test: venv build ## All tests (ARGS="-k slack" for some)
	COVERAGE_CORE=sysmon $(BIN)/python -m pytest --numprocesses auto --dist loadgroup \
		--no-loadscope-reorder $(or $(ARGS),--cov --cov-report=term:skip-covered)

browser: venv build ## Only the tests of the sandbox's page in headless Chromium
	$(BIN)/python -m pytest tests/e2e/test_browser.py $(ARGS)

demo: venv ## The whole chain on this machine, headless (ARGS="--bills 100")
	$(BIN)/python -m sandbox demo $(ARGS)

sandbox: venv ## The whole chain on this machine, kept running until Ctrl-C
	$(BIN)/python -m sandbox serve $(ARGS)

companions: venv ## The mirror, its webhook, its API and the intake, walked and compared (ARGS="--json FILE")
	$(BIN)/python -m sandbox companions $(ARGS)

intake: venv ## An invoice given to the intake on the sandbox (FILE=samples/invoice.json)
	$(BIN)/python -m sandbox intake $(or $(FILE),samples/invoice.json) $(ARGS)

load: venv ## 2,000 bills at once through the whole chain (ARGS="--bills 500")
	$(BIN)/python -m sandbox load $(ARGS)

bench: venv build ## What a bill weighs, takes and costs beside the targets (ARGS="--quick")
	$(BIN)/python -m sandbox.benchmark $(ARGS)

soak: venv ## Many seeds of two days' bad weather (SEEDS=200 or SEEDS=17,18; BILLS=500; HOURS=48)
	PYTHONPATH=lambda:. $(BIN)/python -m tests.simulation.soak --seeds $(or $(SEEDS),20) \
		--bills $(or $(BILLS),500) --hours $(or $(HOURS),48)
	PYTHONPATH=lambda:. $(BIN)/python -m tests.mirror.soak --seeds $(or $(SEEDS),20)
	PYTHONPATH=lambda:. $(BIN)/python -m tests.webhook.soak --seeds $(or $(SEEDS),20)
	./build.sh intake && PYTHONPATH=lambda:. $(BIN)/python -m tests.intake.at_once --starts 200 --runs 10

lock: ## Pin the newest packages again (needs uv)
	uv pip compile --upgrade --quiet --generate-hashes --no-annotate --no-emit-index-url \
		--no-emit-package enum-compat --python-version 3.12 \
		--custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt
	uv pip compile --upgrade --quiet --generate-hashes --no-annotate --no-emit-index-url \
		--python-version 3.12 --custom-compile-command "make lock" \
		requirements-audit.in -o requirements-audit.txt

clean: ## Remove what was built, kept and cached; not .venv
	rm -rf .build .run .mypy_cache .ruff_cache .pytest_cache .hypothesis artefacts lambda/*.zip
	find $(PYTHON_SOURCES) -name __pycache__ -prune -exec rm -rf {} +
