# make              build/release/memd, and build/memd pointing at it
# make debug asan tsan   the same, unoptimised, under AddressSanitizer and UBSan, under ThreadSanitizer
# make test         everything: units, a short round of fuzzing, layers, wire tests, a few crashes;  make test-asan
# make wire [T=x]   tests over sockets whose name contains x;  make wire-tls [T=x]   the same over TLS, no part of make test
# make differential [COMMANDS=1000000] [SEED=n] [REFERENCE=redis-server]   the long form of that test
# make clients [T=name]   programs with client libraries from their registries; says what it skipped
# make crash [KILLS=10000] [SEED=n] [T=part], crash-selftest [T=bug], crash-ext4 [CUTS=60], crash-strace
# make matrix [SAMPLE=n], blocklog [STATES=n], powercut [STATES=100000] [SEED=n], short-io
# make archive-proof [SESSIONS=1000000] [KILLS=20] [SEED=1]
# make memory [SECONDS_OF_LOAD=60], soak [MINUTES=15], storm [SEEDS=20] [SEED=1], bench [QUICK=1] [T=x]
# make docs, test-debootstrap, test-compose, certs [DIR=certs]
# make unit [T=x]   unit tests whose path contains x;  make unit-asan [T=x]
# make fuzz [T=x] [SECONDS=n]    n seconds for each fuzz target;  make fuzz-short [T=x]
# make lint format layers coverage clean
# make install uninstall [DESTDIR=] [PREFIX=/usr/local] [SYSCONFDIR=/etc], deb
#
# V=1 shows the commands. Objects go to build/<mode>/, so modes live side by side. Each folder is
# one archive: a folder whose sources do not compile does not stop the tests of another.

MODE    ?= release
CLANG   := $(firstword $(shell for c in clang clang-19 clang-16 clang-14; do command -v $$c; done))
CC       = $(if $(LIBFUZZER),$(CLANG),gcc)
AR       = $(if $(LIBFUZZER),ar,gcc-ar)
PYTHON  ?= /usr/bin/python3
PREFIX  ?= /usr/local
Q       := $(if $(V),,@)
B       := build/$(MODE)
FOLDERS := base conf protocol text vector storage search persistence scripting commands server

# -O3 -flto takes 6 to 13 % off user time of strings and lists, a few per cent of the whole; every link
# of a test would take as long as a build.
# What makes it hard to turn costs half a per cent of the instructions of a GET.
CET              = $(if $(filter x86_64,$(shell uname -m)),-fcf-protection=full)
CFLAGS_release  := -O2 -g -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection $(CET) -fPIE
CFLAGS_debug    := -O0 -g3
# The largest frame of the daemon holds the registers of a HyperLogLog. Its tests keep whole disks on the stack.
FRAME           := -Wframe-larger-than=20480
CFLAGS_asan     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
                   -fno-sanitize-recover=all -Wno-format-truncation
CFLAGS_tsan     := -O1 -g -fno-omit-frame-pointer -fsanitize=thread -Wno-format-truncation
CFLAGS_fuzz     := $(CFLAGS_asan) $(if $(CLANG),-fsanitize=fuzzer-no-link -D__SANITIZE_ADDRESS__ \
                   -Wno-error -Wno-unknown-warning-option)
CFLAGS_coverage := -O0 -g --coverage
CFLAGS_lint     := -O1 -fanalyzer
# MODE=bug-x: one mistake on purpose (base/planted.h), for tests of the tests.
CFLAGS_bug      := -O1 -g -DMEMD_PLANTED_BUG=$(shell echo $(MODE) | tr a-z- A-Z_)
CFLAGS  := -std=c11 -D_GNU_SOURCE -I. -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes \
           -Wmissing-prototypes -Werror -pthread $(CFLAGS_$(firstword $(subst -, ,$(MODE)))) $(CFLAGS)
# -rdynamic: names of functions in crash reports, also without debug information.
LDFLAGS := -rdynamic -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(filter -f% --coverage,$(CFLAGS_$(MODE))) $(LDFLAGS)
MALLOC  := $(if $(filter asan tsan fuzz,$(MODE)),,-ljemalloc)
LIBS    := -lsqlite3 -lzstd -lcjson -lstemmer -lpcre2-8 -llzf -levent_extra -levent_core -l:liblua5.1-cjson.a -lluajit-5.1 -lssl -lcrypto $(MALLOC) -lpthread -lm

# The archives that the tests of a folder link: what the folder may include.
LINK_base        := base
LINK_conf        := conf base
LINK_protocol    := protocol base
LINK_text        := text base
LINK_vector      := vector base
LINK_search      := search text vector base
LINK_storage     := storage text vector base
LINK_persistence := persistence protocol storage text vector base
LINK_scripting   := scripting protocol base
LINK_commands    := commands protocol storage text vector base
LINK_server      := server commands scripting persistence search storage text vector protocol conf base

sources  = $(wildcard $(1)/*.c)
objects  = $(patsubst %.c,$(B)/%.o,$(1))
archives = $(foreach f,$(LINK_$(1)),$(if $(call sources,$(f)),$(B)/lib$(f).a))

SOURCES := $(foreach f,$(FOLDERS),$(call sources,$(f)))
TESTS   := $(wildcard tests/unit/*/test_*.c tests/commands/test_*.c)
FUZZERS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/*/f_*.c))
picked   = $(foreach t,$(1),$(if $(T),$(if $(findstring $(T),$(t)),$(t)),$(t)))
PICKED  := $(patsubst %.c,$(B)/%,$(call picked,$(TESTS)))
BINARY  := $(if $(wildcard server/main.c),$(B)/memd,$(call archives,server))

.PHONY: powercut short-io all binary debug asan tsan test test-asan unit unit-asan unit-build fuzz fuzz-run fuzz-short layers wire wire-tls \
        differential crash crash-selftest crash-ext4 crash-strace matrix blocklog memory soak storm bench archive-proof clients test-debootstrap test-compose certs sbom docs lint \
        format coverage install uninstall deb clean
.SECONDEXPANSION:
.SECONDARY:

all: $(BINARY)
	$(if $(wildcard server/main.c),@ln -sfn $(MODE)/memd build/memd)

binary: $(BINARY)

debug asan tsan:
	$(MAKE) MODE=$@ binary

$(B)/memd: $(call archives,server)
	@echo "  link $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D) && echo "  cc $<"
	$(Q)$(CC) $(CFLAGS) $(if $(filter release,$(MODE)),$(if $(filter-out tests/%,$<),$(FRAME))) -MMD -MP -c -o $@ $<

$(B)/lib%.a: $$(call objects,$$(call sources,$$*))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# A test links its folder's helpers (the .c files beside it that are not tests) and archives.
folder  = $(notdir $(patsubst %/,%,$(dir $(1))))
helpers = $(filter-out $(dir $(1))test_%,$(wildcard $(dir $(1))*.c))

$(TESTS:%.c=$(B)/%): $(B)/%: $(B)/%.o $$(call objects,$$(call helpers,$$*)) \
                     $$(call archives,$$(call folder,$$*))
	@echo "  link $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(LIBS) $(shell pkg-config --libs check)

unit-build: $(PICKED)

unit: unit-build
	@failed=0; for t in $(PICKED); do \
		if $$t > $$t.log 2>&1; then echo "ok $$t"; \
		else failed=1; cat $$t.log; echo "FAILED $$t"; fi; \
	done; exit $$failed

unit-asan:
	$(MAKE) MODE=asan unit

# libFuzzer, where there is a clang, brings its own main; tests/fuzz/driver.c takes the same options.
LIBFUZZER  := $(if $(filter fuzz,$(MODE)),$(if $(CLANG),-fsanitize=fuzzer))
FUZZ_PICKED = $(call picked,$(FUZZERS))
FUZZ_SEEDS  = $(wildcard tests/fuzz/seeds/$(notdir $(1)))
SECONDS    ?= 10
RUNS       ?= 20000
RUNS_f_lua := 3000 # each is three scripts, some of them endless
RUNS_f_json_scan := 5000 # each is many looks

$(FUZZERS): $(B)/%: $(B)/%.o $(if $(LIBFUZZER),,$(B)/tests/fuzz/driver.o) \
                    $$(call archives,$$(call folder,$$*))
	@echo "  link $@"
	$(Q)$(CC) $(LDFLAGS) $(LIBFUZZER) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
		-Wl,--end-group $(LIBS)

fuzz-run: $(FUZZ_PICKED)
	@set -e; $(foreach f,$(FUZZ_PICKED),echo "  fuzz $(f)"; mkdir -p $(f).found; \
		$(f) -seed=1 -artifact_prefix=$(f).found/ \
		$(if $(filter -runs=%,$(ROUND)),-runs=$(strip $(or $(RUNS_$(notdir $(f))),$(RUNS))),$(ROUND)) $(if $(LIBFUZZER),$(f).found) \
		$(call FUZZ_SEEDS,$(f)) > $(f).log 2>&1 || { tail -50 $(f).log; exit 1; };)

fuzz-short:
	$(MAKE) ROUND=-runs=$(RUNS) fuzz-run

fuzz:
	$(MAKE) MODE=fuzz ROUND=-max_total_time=$(SECONDS) fuzz-run

layers:
	tests/lib/layers.sh

wire: binary
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) -m pytest -q -p no:cacheprovider tests/wire tests/crash $(if $(T),-k "$(T)")

wire-tls: binary
	MEMD_TEST_TLS=1 MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) -m pytest -q -p no:cacheprovider tests/wire $(if $(T),-k "$(T)")

test: unit fuzz-short layers wire

test-asan: unit-asan
	MEMD_TEST_PATIENCE=180 $(MAKE) MODE=asan wire

# The same random commands to memd and a stock server (REFERENCE), COMMANDS of them a protocol; SEED=0: by the clock.
differential: binary
	MEMD_BIN="$(abspath $(BINARY))" MEMD_DIFF_COMMANDS=$(or $(COMMANDS),1000000) MEMD_DIFF_SEED=$(or $(SEED),0) \
		MEMD_DIFF_REFERENCE=$(REFERENCE) $(PYTHON) -m pytest -q -s -p no:cacheprovider tests/wire/test_differential.py

# kill -9 and power cuts again and again; everything at once for a while; figures beside stock redis-server.
crash: binary
	$(PYTHON) tests/crash/syscalls.py --bin "$(abspath $(BINARY))" --seed $(or $(SEED),0)
	$(PYTHON) tests/crash/syscalls.py --bin "$(abspath $(BINARY))" --seed $(or $(SEED),0) --power
	$(PYTHON) tests/crash/run.py --bin "$(abspath $(BINARY))" --kills $(or $(KILLS),10000) --seed $(or $(SEED),0) --only "$(T)"

# Builds with one mistake each (base/planted.h): each must be found.
crash-selftest:
	$(PYTHON) tests/crash/selftest.py --seed $(or $(SEED),0) --only "$(T)"

# Power cuts under ext4, shut down without its journal; needs root and loop devices, and says so.
crash-ext4: binary
	$(PYTHON) tests/crash/ext4.py --bin "$(abspath $(BINARY))" --cuts $(or $(CUTS),60) --seed $(or $(SEED),0)

# A kill at each system call, by strace; says so when that is not there.
crash-strace: binary
	$(PYTHON) tests/crash/syscalls.py --bin "$(abspath $(BINARY))" --strace

# Every system call fails in turn; needs strace, and says so when it is not there.
matrix: binary
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) tests/crash/matrix.py $(if $(SAMPLE),--sample $(SAMPLE)) --seed $(or $(SEED),0)

# Power cuts as a model, and each error at each operation.
powercut:
	$(MAKE) unit-build T=unit/persistence/
	MEMD_POWERCUT_STATES=$(or $(STATES),100000) MEMD_TEST_SEED=$(or $(SEED),1) CK_TIMEOUT_MULTIPLIER=100 \
		$(B)/tests/unit/persistence/test_powercut
	MEMD_FAULTS=all CK_TIMEOUT_MULTIPLIER=100 $(B)/tests/unit/persistence/test_faults > $(B)/faults.log || { tail -50 $(B)/faults.log; false; }

# The tests of persistence with every read and write short, every other one interrupted.
short-io: binary
	$(MAKE) unit-build T=unit/persistence/
	$(PYTHON) -c "import sys; sys.path.insert(0, 'tests/lib'); import shim; shim.build('short_io_shim')"
	@for t in $(patsubst %.c,$(B)/%,$(filter-out %_lock.c,$(wildcard tests/unit/persistence/test_*.c))); do \
		LD_PRELOAD="$(abspath build/shim/short_io_shim.so)" $$t > $$t.log 2>&1 || { cat $$t.log; exit 1; }; echo "ok $$t"; done
	MEMD_PRELOAD="$(abspath build/shim/short_io_shim.so)" $(MAKE) wire T="persistence or snapshot"

# Power cuts under ext4, block by block; needs root and python3-fusepy, and says so.
blocklog: binary
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) tests/crash/blocklog.py --states $(or $(STATES),1000) --seed $(or $(SEED),0)

memory: binary
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) tests/crash/memory.py --seconds $(or $(SECONDS_OF_LOAD),60) --rounds $(or $(ROUNDS),5) --seed $(or $(SEED),0)

soak: asan
	MEMD_BIN="$(abspath build/asan/memd)" $(PYTHON) tests/crash/soak.py --minutes $(or $(MINUTES),15) --seed $(or $(SEED),0)

# Random commands of all kinds at once, then what takes long with an end in its midst; after a start all must be as it was.
storm: asan
	MEMD_BIN="$(abspath build/asan/memd)" $(PYTHON) tests/crash/storm.py --seeds $(or $(SEEDS),20) --seed $(or $(SEED),1)

bench: binary
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) tests/bench/bench.py $(if $(QUICK),--quick) $(if $(T),--only "$(T)")

# Many sessions in little memory, with kills: each must be there, once. 20 GB of disk and half an hour for a million.
archive-proof: binary
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) tests/bench/archive_proof.py $(if $(SESSIONS),--sessions $(SESSIONS)) \
		$(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

# Their libraries come from registries: never part of make test.
clients: binary
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) tests/clients/run.py $(T)

test-debootstrap:
	$(PYTHON) tests/debootstrap/prove.py

# docker-compose.yml, where there is a docker daemon.
test-compose:
	$(PYTHON) tests/debootstrap/compose.py

docs: binary
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) docs/make_commands.py > build/commands.md
	mv build/commands.md docs/commands.md
	MEMD_BIN="$(abspath $(BINARY))" $(PYTHON) docs/make_metrics.py > build/metrics.md
	mv build/metrics.md docs/metrics.md

# What the binary runs with, for those who keep account of it.
sbom: binary
	deploy/sbom.py $(abspath $(BINARY)) > build/memd.cdx.json && echo build/memd.cdx.json

lint: layers
	cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=ctuuninitvar -I. -D_GNU_SOURCE -D__x86_64__ $(SOURCES)
	$(MAKE) MODE=lint $(patsubst %.c,build/lint/%.o,$(SOURCES))

format:
	clang-format -i $(SOURCES) $(wildcard $(addsuffix /*.h,$(FOLDERS)) tests/*/*.[ch] tests/*/*/*.[ch])

coverage:
	$(MAKE) MODE=coverage unit
	gcovr --root . --object-directory build/coverage --exclude tests --exclude-unreachable-branches

# Certificates to try TLS with: make certs [DIR=certs]
certs:
	$(PYTHON) tests/lib/certs.py $(or $(DIR),certs)

# Settings that are there stay. The binary keeps its debug information unless `make install STRIP=-s`.
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
DOCDIR     := $(PREFIX)/share/doc/memd
DOCS       := README.md $(wildcard SECURITY.md docs/*.md)
WATCHING   := $(wildcard deploy/grafana/*.json deploy/prometheus/alerts.yml)
INSTALLED   = $(PREFIX)/bin/memd $(PREFIX)/share/man/man1/memd.1 $(PREFIX)/share/man/man5/memd.conf.5 \
              $(PREFIX)/share/bash-completion/completions/memd \
              $(patsubst deploy/%,$(UNITDIR)/%,$(wildcard deploy/memd.service deploy/memd.socket)) \
              $(patsubst deploy/memd.%,$(PREFIX)/lib/%.d/memd.conf,$(wildcard deploy/memd.sysusers deploy/memd.tmpfiles)) \
              $(addprefix $(DOCDIR)/,$(notdir $(DOCS))) $(addprefix $(PREFIX)/share/memd/,$(notdir $(WATCHING)))

install: $(B)/memd
	install -D $(STRIP) -m 755 $(B)/memd $(DESTDIR)$(PREFIX)/bin/memd
	test -e $(DESTDIR)$(SYSCONFDIR)/memd/memd.conf || install -D -m 640 memd.conf $(DESTDIR)$(SYSCONFDIR)/memd/memd.conf
	$(B)/memd --print-man 1 | install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/share/man/man1/memd.1
	$(B)/memd --print-man 5 | install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/share/man/man5/memd.conf.5
	for f in $(wildcard deploy/memd.service deploy/memd.socket); do \
		sed 's|/usr/bin/memd|$(PREFIX)/bin/memd|; s|/etc/memd/|$(SYSCONFDIR)/memd/|' $$f | \
			install -D -m 644 /dev/stdin $(DESTDIR)$(UNITDIR)/$${f##*/}; done
	for f in $(wildcard deploy/memd.sysusers deploy/memd.tmpfiles); do \
		install -D -m 644 $$f $(DESTDIR)$(PREFIX)/lib/$${f##*.}.d/memd.conf; done
	install -D -m 644 deploy/memd.completion $(DESTDIR)$(PREFIX)/share/bash-completion/completions/memd
	install -D -m 644 -t $(DESTDIR)$(DOCDIR) $(DOCS)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/memd $(WATCHING)

# Settings and data stay.
uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	-rmdir $(DESTDIR)$(DOCDIR) $(DESTDIR)$(PREFIX)/share/memd

# build/deb/memd_VERSION_ARCH.deb, from a copy of the tree; needs debhelper and dpkg-dev, and no network.
deb:
	rm -rf build/deb && mkdir -p build/deb/memd
	tar -c --exclude=./build --exclude=./.git . | tar -x -C build/deb/memd
	cp -r deploy/debian build/deb/memd/
	cd build/deb/memd && env -u MAKEFLAGS -u MAKEOVERRIDES -u MFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc -j$(shell nproc)
	rm -rf build/deb/memd
	ls -l build/deb/*.deb

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
