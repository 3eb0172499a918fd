# `make` lists the commands. Python 3.11 or newer is all that has to be there.
PYTHON ?= python3
ARGS ?=

VENV := .venv/bin
ENVIRONMENT := $(PYTHON) requirements/environment.py
PRODUCT := .venv=requirements/base.txt,requirements/dev.txt
DEVELOPMENT := .venv=requirements/dev.txt
SERVERS := $(foreach name,official sqlite spreadsheets,.demo/servers/$(name)=requirements/servers/$(name).txt)

.DEFAULT_GOAL := help
.PHONY: help demo run test conformance bench lint format lock clean

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS='	' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

demo: ## Show it at work with four MCP servers and sample data (ARGS=--once: end by itself)
	@$(ENVIRONMENT) $(PRODUCT) $(SERVERS)
	@$(VENV)/python -m omni2.demo $(ARGS)

run: ## Serve on your own settings (.env) and data (ARGS="--host … --port …")
	@$(ENVIRONMENT) $(PRODUCT)
	@$(VENV)/python manage.py up $(ARGS)

test: ## Everything that must hold: checks, then the whole suite
	@$(ENVIRONMENT) $(DEVELOPMENT) $(SERVERS)
	@$(VENV)/python tests/run.py

conformance: ## The official MCP conformance suite, against our endpoint and with our client
	@$(ENVIRONMENT) $(DEVELOPMENT)
	@$(VENV)/python -m tests.conformance $(ARGS)

bench: ## What governing costs: calls and lists through /mcp against the direct call (ARGS=--only=sqlite)
	@$(ENVIRONMENT) $(DEVELOPMENT)
	@$(VENV)/python benchmarks/gateway.py $(ARGS)

lint: ## Formatting, lint, floors, types
	@$(ENVIRONMENT) $(DEVELOPMENT)
	@$(VENV)/python tests/run.py --checks

format: ## Format the code and sort its imports
	@$(ENVIRONMENT) $(DEVELOPMENT)
	@$(VENV)/ruff format --quiet .
	@$(VENV)/ruff check --quiet --fix .

lock: ## Lock requirements/*.in with hashes (ARGS=--upgrade: the newest versions they allow)
	@$(ENVIRONMENT) --lock $(ARGS)

clean: ## Remove the environments, the demo and every cache (your data and .env stay)
	@rm -rf .venv .uv .node .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
