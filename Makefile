# The doors to scripts/: every recipe is one command that also works without make.

.DEFAULT_GOAL := help
.PHONY: help run test bench dev fmt lint quick advisories clean

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build the engine and serve examples/hello.py on http://127.0.0.1:8000
	@scripts/run.sh

test: ## everything CI checks (about 20 minutes from a clean clone)
	@scripts/test.sh

quick: ## the tests and lints on the newest Python alone
	@scripts/test.sh --quick

lint: ## format and lint checks, the rules of the house
	@scripts/test.sh format lint house

bench: ## measure Covet and its neighbours, and put the table into README.md
	@scripts/bench.sh

dev: ## a virtual environment with the engine built into it, to work in
	@scripts/build.sh ci

fmt: ## rewrite Rust and Python sources in the one format
	@cargo fmt --all
	@"$$(scripts/venv.sh)"/bin/ruff format .

advisories: ## known vulnerabilities in the dependencies (reads GitHub's database)
	@"$$(scripts/tool.sh cargo-deny 0.20.2)" check advisories

clean: ## remove everything that was built
	@rm -rf target build .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@rm -f python/covet/_covet.*.so
