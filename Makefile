# What a developer runs. Every target sets itself up: `make test` on a fresh clone is enough.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

export RASA_TELEMETRY_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 2
export SQLALCHEMY_SILENCE_UBER_WARNING := 1
export LOG_LEVEL_LIBRARIES := ERROR

BIN := .venv/bin

# The conversation half of plain `rasa test`. Without --e2e a test story passes whatever intent its messages get.
RASA_VALIDATE := $(BIN)/rasa data validate --fail-on-warnings --max-history 5
RASA_TEST := $(BIN)/rasa test core --e2e --stories tests/test_stories.yml --model $${ROLEWISE_MODELS:-models} --out results/rasa-test \
	--fail-on-prediction-errors --no-plot

# All that the two commands depend on: they run again only when one of these changed.
RASA_STAMP := .cache/rasa-test.stamp
RASA_INPUTS = config.yml domain.yml endpoints.yml tests/test_stories.yml requirements.lock Makefile \
	$(shell find data knowledge rolewise actions -type f -not -path '*/__pycache__/*')

# Most tests wait for a server or a browser rather than compute: so three workers on two cores, each with whole files.
WORKERS := -n 3 --dist loadfile

# What a developer waits for. Left out is what starts a server or a browser, trains, or takes more than ten seconds by itself.
TEST_FAST := tests/render tests/answers tests/knowledge tests/conversation --ignore tests/conversation/test_walks.py \
	tests/nlu/test_intent_model.py tests/nlu/test_names.py tests/nlu/test_nearest.py tests/nlu/test_split.py tests/nlu/test_text.py \
	tests/insights/test_subjects.py tests/test_fitting.py tests/test_settings.py tests/test_unused.py

PYTHON_DIRS = $(foreach directory,rolewise actions bench tests,$(if $(shell find $(directory) -name '*.py' 2>/dev/null),$(directory)))

BENCH := bench/nlu.py bench/serving.py bench/replies.py bench/conversations.py bench/ablate_readings.py
FIGURES := bench/report.py

.PHONY: help setup encoder train run shell test rasa-test browser services checks test-fast test-scale lint bench figures report check lock clean

help: ## Show these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Get Python 3.11 and the locked packages into .venv
	@scripts/bootstrap

train: setup ## Train the model, if it is missing or stale
	@$(BIN)/rolewise train

encoder: setup ## Tune the sentence encoder on, with PyTorch (a quarter of an hour and more)
	@scripts/encoder

run: train ## Serve the assistant on localhost:5005 (HOST and PORT change where)
	@exec $(BIN)/rolewise serve

shell: train ## Talk to the assistant in this terminal
	@exec $(BIN)/rolewise shell

test: lint rasa-test browser services checks ## Lint, then test the data, the conversations and the code
	$(BIN)/pytest $(WORKERS) --durations=10

test-fast: train ## Test what starts no server and trains nothing (under two minutes)
	$(BIN)/pytest --durations=10 $(TEST_FAST)

# Prerequisites of this name only: the model is made first, and being made is no reason to test again.
rasa-test: $(RASA_STAMP)
$(RASA_STAMP): $(RASA_INPUTS) | train
	$(RASA_VALIDATE)
	$(RASA_TEST)
	@mkdir -p $(@D) && touch $@

browser: setup
	@scripts/browser

services: setup
	@scripts/services

checks: setup
	@scripts/checks

test-scale: train services ## Test three processes with forty faults: kills, restarts, a hung process, new models (a quarter of an hour)
	@$(BIN)/pytest -m scale
	@$(BIN)/python bench/report_scale.py

lint: setup ## Check format, style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy $(PYTHON_DIRS)

bench: train ## Measure quality and speed beside stock Rasa, the replies and the conversations
	$(call run-scripts,$(BENCH))

figures: train ## Print the tables of the last benchmarks again and renew the documents with them
	$(call run-scripts,$(FIGURES))

report: train ## Write what the stored conversations tell: a page, JSON and CSV in results/report
	@$(BIN)/rolewise report

check: setup ## Check the knowledge and that everything agrees with it
	@$(BIN)/rolewise check

lock: ## Resolve both pyproject.toml and the requirements.in files into their locks again
	@scripts/lock

clean: ## Remove models, results and caches (not .venv)
	rm -rf models results build .rasa .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@# .cache/secret stays: without it nobody gets back into a conversation, not even to delete it.
	[ ! -d .cache ] || find .cache -mindepth 1 -maxdepth 1 ! -name secret -exec rm -rf {} +
	find . -name __pycache__ -not -path './.venv/*' -not -path './.tools/*' -prune -exec rm -rf {} +

# Runs those of the scripts that exist and names the others; fails when there is none.
define run-scripts
	@ran=no; for script in $(1); do \
		if [ -f $$script ]; then echo "== $$script"; $(BIN)/python $$script; ran=yes; \
		else echo "== $$script does not exist yet"; fi; \
	done; [ $$ran = yes ]
endef
