# Two commands do everything: `make demo` and `make test`.
# PEOPLE=1000000  size of the synthetic nation      SERVE=0  stop after the walks      PORT=8000  where the portal listens
# PROCESSES=2  among which the tests are shared, a file at a time

NATION := $(or $(PEOPLE),290000000)
PEOPLE ?= 1000000
SERVE  ?= 1
PORT   ?= 8000
PROCESSES ?= 2
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := .venv/bin
BENCH_PEOPLE ?= 10000000
DATA_PEOPLE ?= 50000000

# without a word: what there is to say
.DEFAULT_GOAL := help

.PHONY: help demo run test night check format bench bench-synthesis bench-publish bench-data bench-comparing bench-signing bench-trail bench-seal bench-intake bench-match bench-disclosure nation model pins messages pages clean

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 18

demo: .venv/run            ## a synthetic nation, one request of each level from readiness to an opened package
	$(BIN)/bagipakai demo walk --people $(PEOPLE)
ifneq ($(SERVE),0)
	$(MAKE) --no-print-directory run
endif

run: .venv/run             ## the portal, the office's worker and the registry's worker
	$(BIN)/bagipakai demo serve --port $(PORT)

test: .venv/test           ## everything; closes with pytest's own summary
	@command -v java >/dev/null || deploy/packages openjdk-17-jre-headless  # for Spark
	@deploy/packages chromium-headless-shell || deploy/packages chromium  # older systems have it with a window alone
	@deploy/packages poppler-utils age strace softhsm2 nginx libnss3-tools libatomic1  # the last: the browser driver's engine
	$(BIN)/pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

night: .venv/test          ## every case of what the tests sample: about an hour
	$(BIN)/pytest -m night

check: .venv/test          ## format, lint, types, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m bagipakai.core.law_page --check
	$(BIN)/python -m bagipakai.core.catalogue_page --check
	$(BIN)/python -m bagipakai.core.keys_page --check

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: bench-synthesis bench-publish bench-data bench-comparing bench-signing bench-trail bench-seal bench-intake bench-match bench-disclosure   ## every figure the README states

bench-disclosure: .venv/test
	$(BIN)/python -m bench.suppression
	$(BIN)/python -m bench.cellkeys
	$(BIN)/python -m bench.microdata
	$(BIN)/python -m bench.ledger
	$(BIN)/python -m bench.union

bench-match: .venv/test
	$(BIN)/python -m bench.match

model: .venv/test          ## the matching model, trained anew by Splink on synthetic lists (LABELS=FILE: and what clerks said)
	$(BIN)/python -m bagipakai.registry.matching.training $(if $(LABELS),--labels $(LABELS))

nation: .venv/test         ## the whole nation on this machine (PEOPLE=290000000): stop it and go on as you like
	$(BIN)/python -m bench.nation --people $(NATION)

bench-synthesis: .venv/test
	$(BIN)/python -m bench.synthesis --people $(BENCH_PEOPLE)

bench-publish: .venv/test
	$(BIN)/python -m bench.publish --people $(BENCH_PEOPLE)

bench-data: .venv/test
	$(BIN)/python -m bench.data --people $(DATA_PEOPLE)

bench-comparing: .venv/test
	$(BIN)/python -m bench.comparing --people $(BENCH_PEOPLE)

bench-signing: .venv/test
	$(BIN)/python -m bench.signing

bench-trail: .venv/test
	$(BIN)/python -m bench.trail

bench-seal: .venv/test
	@deploy/packages age
	$(BIN)/python -m bench.seal

bench-intake: .venv/test
	$(BIN)/python -m bench.intake --people $(BENCH_PEOPLE)

pages: .venv/test          ## what is generated: the lawyer's page, its diagram, the catalogue, the keys
	$(BIN)/python -m bagipakai.core.law_page
	$(BIN)/python -m bagipakai.core.catalogue_page
	$(BIN)/python -m bagipakai.core.keys_page

pins: .venv/test           ## new versions, with their hashes
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --upgrade requirements/run.in -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --upgrade requirements/spark.in -o requirements/spark.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --upgrade requirements/train.in -o requirements/train.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --upgrade requirements/test.in -o requirements/test.txt
	for one in requirements/oracle-*.in; do $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url $$one -o $${one%.in}.txt; done

clean:                     ## everything that was made here, the environment included
	rm -rf .venv var

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Bagipakai perlu Python 3.11 atau lebih baru." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || deploy/packages python3-venv
	$(PYTHON) -m venv .venv

.venv/run: requirements/run.txt pyproject.toml $(wildcard src/bagipakai/locale/*/LC_MESSAGES/*.po) | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m bagipakai.portal.messages compile
	@touch $@

.venv/test: requirements/test.txt .venv/run
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/test.txt
	@touch $@
