#!/bin/bash
# A bit of everything that a build script does.
set -euo pipefail
export HOME=/tmp GIT_CONFIG_NOSYSTEM=1 LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"; echo "cleaned up"' EXIT
cd "$work"

echo "pipeline: $(seq 1 1000 | grep 7 | sort -rn | head -3 | tr '\n' ' ')"

for number in 1 2 3 4; do
    (echo "$((number * number))" >"square.$number") &
done
wait
echo "background: $(cat square.* | paste -sd+ | sed 's/$//')=$(cat square.* | awk '{ sum += $1 } END { print sum }')"

cat >poem.txt <<EOF
a here-document of $(id -un),
with $((6 * 7)) in it
EOF
echo "here-document: $(wc -w <poem.txt) words"

caught=no
trap 'caught=yes' USR1
kill -USR1 $$
echo "trap: $caught"

mkdir -p tree/{one,two}/{left,right}
find tree -type d | xargs -I{} touch {}/leaf
echo "find and xargs: $(find tree -type f | wc -l) leaves"
tar czf tree.tar.gz tree
echo "tar and gzip: $(gzip -dc tree.tar.gz | tar tf - | wc -l) entries"

git init -q repository
cd repository
git config user.email nobody@example.com
git config user.name Nobody
cat >hello.c <<'EOF'
#include <stdio.h>
int main(void) { puts("compiled here"); return 0; }
EOF
cat >other.c <<'EOF'
int other(void) { return 1; }
EOF
cat >Makefile <<'EOF'
all: hello other.o
hello: hello.c ; gcc -O1 -o $@ $<
other.o: other.c ; gcc -O1 -c -o $@ $<
EOF
git add .
git commit -q -m "First"
echo "git: $(git log --format=%s | head -1), $(git ls-files | wc -l) files"
make -s -j2
echo "make -j2: $(./hello), $(test -f other.o && echo and an object)"
