#!/bin/sh
# The tests that take longer than a minute: every program imaged at many random system calls, and mutations of
# everything that a guest or a file controls (CATALYZER_FUZZ_RUNS for each target), and random programs natively and
# inside (CATALYZER_RANDOM_OPERATIONS for each family), and random system calls (CATALYZER_FUZZ_CALLS).
# One line about each run is added to docs/soak.md: when, which commit, the command, the seed and the counts.
set -u
cd "$(dirname "$0")/.."
points=${CATALYZER_IMAGE_POINTS:-100}
seed=${CATALYZER_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
CATALYZER_IMAGE_POINTS=$points CATALYZER_SEED=$seed cargo test --package system-tests -- image-at 2>&1 | tee "$log"
counts=$(sed -n 's/^system tests: //p' "$log")
mkdir -p docs
test -e docs/soak.md || cat > docs/soak.md <<'HEAD'
# What `make soak` found

Every run adds a line: random restore points over all programs of `tests/linux/`, repeatable by the seed.

| when | commit | command | result |
| --- | --- | --- | --- |
HEAD
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
command="CATALYZER_IMAGE_POINTS=$points CATALYZER_SEED=$seed make soak"
echo "| $(date -u +%FT%RZ) | $commit | \`$command\` | ${counts:-did not finish} |" >> docs/soak.md
operations=${CATALYZER_RANDOM_OPERATIONS:-1000000}
command="CATALYZER_RANDOM_OPERATIONS=$operations CATALYZER_SEED=$seed cargo test --package system-tests -- --include-ignored random::"
if CATALYZER_RANDOM_OPERATIONS=$operations CATALYZER_SEED=$seed \
    cargo test --package system-tests -- --include-ignored random:: 2>&1 | tee "$log" | grep -q ' 0 failed'; then
    random=$(sed -n 's/^random::/random::/p' "$log" | tr '|' ' ')
else
    random="failed"
fi
cat "$log"
echo "| $(date -u +%FT%RZ) | $commit | \`$command\` | $random |" >> docs/soak.md
calls=${CATALYZER_FUZZ_CALLS:-1000000}
command="CATALYZER_FUZZ_CALLS=$calls CATALYZER_SEED=$seed cargo test --package system-tests -- fuzz::random"
if CATALYZER_FUZZ_CALLS=$calls CATALYZER_SEED=$seed \
    cargo test --package system-tests -- fuzz::random 2>&1 | tee "$log" | grep -q ' 0 failed'; then
    called=$(sed -n 's/^fuzz-calls: //p' "$log")
else
    called="failed"
fi
cat "$log"
echo "| $(date -u +%FT%RZ) | $commit | \`$command\` | $called |" >> docs/soak.md
runs=${CATALYZER_FUZZ_RUNS:-2000000}
command="CATALYZER_FUZZ_RUNS=$runs CATALYZER_SEED=$seed cargo test --release --package fuzz"
export CATALYZER_FUZZ_RUNS="$runs" CATALYZER_SEED="$seed"
if cargo test --release --package fuzz && cargo test --release --package catalyzer mutated; then
    fuzzed="no target failed"
else
    fuzzed="failed"
fi
echo "| $(date -u +%FT%RZ) | $commit | \`$command\` | $fuzzed |" >> docs/soak.md
case $counts in *" 0 failed"*) ;; *) exit 1 ;; esac
test "$random" != failed && test "$called" != failed && test "$fuzzed" != failed
