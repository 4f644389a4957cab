# Each target sets up the machine by itself; run any of them in a fresh clone.
.PHONY: help setup setup-tests build demo test build-tests build-thread-safety test-thread-safety lint format chaos model bench clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

setup:
	@.ci/setup

setup-tests:
	@.ci/setup tests

# In a folder of its own: SwiftPM holds a folder for as long as the tests run in it.
optimized = .build/optimized

build: setup ## Build the executable for release
	swift build -c release --scratch-path $(optimized) --product operadora

demo: build ## Run a whole campaign on a private PostgreSQL with simulated providers (ARGS="--leads 100 --keep")
	@$(optimized)/release/operadora demo $(ARGS)

test: setup-tests ## Run every test, the short chaos test included
	OPERADORA_REQUIRE_PEERS=1 swift test --no-parallel $(ARGS)

build-tests: setup
	swift build --build-tests

build-thread-safety: setup
	OPERADORA_UNIT_TARGETS=1 swift build --build-tests --sanitize=thread --scratch-path .build/thread

test-thread-safety: setup-tests ## Run the unit targets under the thread sanitizer
	TSAN_OPTIONS="suppressions=$(CURDIR)/.ci/thread-sanitizer.suppressions" OPERADORA_REQUIRE_PEERS=1 \
		OPERADORA_UNIT_TARGETS=1 swift test --no-parallel --sanitize=thread --scratch-path .build/thread \
		--skip JobsTests.CrashTests --skip JobsTests.StormTests --skip JobsTests.ModelTests \
		--skip JobsTests.TickWalkTests --skip JobsTests.FailoverTests --skip ClaimPlanTests \
		--skip CallsTests.SpokenDateEdgeTests

chaos: setup-tests ## The long chaos test: 1,000 calls, random kills, PostgreSQL restarts
	OPERADORA_REQUIRE_PEERS=1 OPERADORA_CHAOS=long swift test --filter ChaosTests

model: setup-tests ## The queue against its model: 30 minutes of random histories, kills, freezes, restarts, wrong clocks
	OPERADORA_REQUIRE_PEERS=1 OPERADORA_MODEL_MINUTES=$${OPERADORA_MODEL_MINUTES:-30} \
		swift test --no-parallel --filter 'JobsTests.(StormTests|ModelTests)'

bench: setup ## Print the figures of the bars (ARGS="--json", or names of subjects)
	@.ci/setup peers || echo "bench: the peers could not be installed; the rest is measured without them" >&2
	swift build -c release --scratch-path $(optimized)
	@$(optimized)/release/benchmarks $(ARGS)

lint: setup-tests ## Check format and packaging files
	swift format lint --strict --recursive Package.swift Sources Tests benchmarks
	shellcheck .ci/run .ci/setup .ci/test
	.venv/bin/ruff check --no-cache --line-length 120 benchmarks/peers
	.venv/bin/ruff format --no-cache --line-length 120 --check benchmarks/peers
	.venv/bin/hadolint docker/Dockerfile
	BAML_LOG=warn .venv/bin/baml-cli check --from baml_src
	.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml

format: ## Format the sources in place
	swift format --in-place --recursive Package.swift Sources Tests benchmarks

clean: ## Remove everything that was built
	rm -rf .build .venv .venv.lock benchmarks/peers/.venv benchmarks/peers/.venv.lock
