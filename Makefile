# Everything here sets itself up on a fresh Debian 12 that has stable Rust and make.
#   make demo       the four boots of hello-python, measured, in one table
#   make functions  build the sample functions
#   make test       unit, integration and whole-system tests
#   make soak       the restore tests at many more points; adds its result to docs/soak.md
#   make bench      the benchmark over the gallery, as JSON in bench/results.json
#   make lint       format, clippy and documentation, warnings denied; what we depend on
#   make docs       the pages that are made from the source: docs/linux.md

CARGO ?= cargo
CATALYZER = target/release/catalyzer
GALLERY = ffmpeg-thumb hello-c hello-c-threads hello-go hello-java hello-node hello-python hello-ruby hello-rust \
	java-web nginx-static node-express python-django python-gunicorn python-numpy ruby-sinatra shell-jobs sqlite-c
# What the gallery's programs are written in and for.
LANGUAGES = ffmpeg git golang-go gunicorn libjetty9-java libopenblas0-pthread libsqlite3-dev nginx-light node-express \
	node-formidable nodejs openjdk-17-jdk-headless puma python3-django python3-flask python3-numpy ruby ruby-sinatra \
	ruby-webrick
JETTY = $(subst $() ,:,$(foreach jar,jetty9-server jetty9-servlet jetty9-util servlet-api,/usr/share/java/$(jar).jar))
RUNS ?= 1000

# make sure that a command exists: $(call need,COMMAND,DEBIAN PACKAGES)
need = @command -v $(1) >/dev/null 2>&1 || sh tests/install.sh $(2)

.PHONY: all demo functions test test-deps function-deps language-deps soak bench lint docs release clean

all: release

# The linker of Rust programs is the C compiler, so that even the first build wants one.
function-deps:
	$(call need,cc,gcc libc6-dev)
	$(call need,/usr/bin/python3,python3)
	@test -e /usr/lib/x86_64-linux-gnu/libc.a || sh tests/install.sh libc6-dev

test-deps: function-deps
	$(call need,strace,strace)
	$(call need,gdb,gdb)
	$(call need,unshare,util-linux)
	$(call need,musl-gcc,musl-tools)
	@test -e /usr/lib/python3.11/test/test_threading.py || sh tests/install.sh libpython3.11-testsuite

release: function-deps
	$(CARGO) build --release

language-deps: function-deps
	@dpkg-query --show $(LANGUAGES) >/dev/null 2>&1 || sh tests/install.sh $(LANGUAGES)

functions: language-deps hello-rust \
	functions/hello-c/build/server \
	functions/hello-c-threads/build/server \
	functions/ffmpeg-thumb/build/video.mp4 \
	functions/hello-go/build/server \
	functions/hello-java/build/Server.class \
	functions/java-web/build/Web.class \
	functions/sqlite-c/build/server

functions/hello-c/build/server: functions/hello-c/server.c
	@mkdir -p $(@D)
	cc -O2 -Wall -Wextra -static -o $@ $<

functions/hello-c-threads/build/server: functions/hello-c-threads/server.c
	@mkdir -p $(@D)
	cc -O2 -Wall -Wextra -pthread -o $@ $<

functions/sqlite-c/build/server: functions/sqlite-c/server.c | language-deps
	@mkdir -p $(@D)
	cc -O2 -Wall -Wextra -o $@ $< -lsqlite3

functions/hello-go/build/server: functions/hello-go/server.go | language-deps
	@mkdir -p $(@D)
	CGO_ENABLED=0 GO111MODULE=off GOCACHE=$(CURDIR)/target/go go build -trimpath -o $@ $<

functions/ffmpeg-thumb/build/video.mp4: | language-deps
	@mkdir -p $(@D)
	ffmpeg -v error -y -f lavfi -i testsrc=size=160x120:rate=10:duration=4 -c:v mpeg4 -threads 1 $@

functions/hello-java/build/Server.class: functions/hello-java/Server.java | language-deps
	javac -d $(@D) $<

functions/java-web/build/Web.class: functions/java-web/Web.java | language-deps
	javac -cp $(JETTY) -d $(@D) $<

# Cargo knows best whether there is anything to do.
.PHONY: hello-rust
hello-rust:
	$(CARGO) build --quiet --release --manifest-path functions/hello-rust/Cargo.toml --target-dir target/hello-rust
	@mkdir -p functions/hello-rust/build
	@cmp -s target/hello-rust/release/server functions/hello-rust/build/server || \
		install target/hello-rust/release/server functions/hello-rust/build/server

demo: release
	$(CATALYZER) demo

test: test-deps functions release
	$(CARGO) test --workspace --exclude kernel-elf --exclude system-tests
	$(CARGO) test --package system-tests

soak: test-deps functions release
	tests/soak.sh

bench: release functions
	@mkdir -p bench
	$(CATALYZER) bench $(GALLERY:%=functions/%) --boot scratch,cold,warm,fork,spare \
		--runs $(RUNS) --at-once 16,64 --breakdown --micro --json > bench/results.json.new
	mv bench/results.json.new bench/results.json

lint: function-deps
	$(CARGO) fmt --all -- --check
	rustfmt --check --edition 2024 functions/hello-rust/src/main.rs tests/rust/*.rs
	$(CARGO) clippy --workspace --exclude kernel-elf --all-targets -- -D warnings
	$(CARGO) clippy --package kernel-elf --profile kernel -- -D warnings
	$(CARGO) clippy --manifest-path functions/hello-rust/Cargo.toml --target-dir target/hello-rust -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --workspace --exclude kernel-elf
	$(CARGO) metadata --format-version 1 | python3 tests/dependencies.py

docs: function-deps
	CATALYZER_WRITE_DOCS=1 $(CARGO) test --package kernel the_page_of_calls_is_current

clean:
	$(CARGO) clean
	rm -rf functions/*/build
