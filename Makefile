# Named tasks.

.PHONY: test bench soak siege

# All tests and lints.
test:
	tests/run

# docs/performance.md. `make bench ARGUMENTS="--sizes 3,1000 --rounds 3"` is a short run.
bench:
	cargo bench --locked --bench performance -- $(ARGUMENTS)

# docs/reliability.md#soak.
soak:
	cargo bench --locked --bench soak -- --minutes $(or $(MINUTES),30)

# docs/reliability.md#siege.
siege:
	cargo bench --locked --bench siege -- --minutes $(or $(MINUTES),10)
