# SPDX-License-Identifier: GPL-2.0
# What people type.  `make` builds for the running kernel, here; run, test, check and bench build
# and run in a Debian 13 root and a VM (Documentation/testing.rst) and leave this tree clean.

BUILD	?= build
O	:= $(abspath $(BUILD))
KVER	?= $(shell uname -r)
KDIR	?= /lib/modules/$(KVER)/build
M	?= $(CURDIR)
KERNEL	?= base
PORT	?= 8443
FUZZ	?= fuzz/* selftests/fuzz selftests/hostile
FUZZ_SECONDS ?= 60
DESTDIR	?=
prefix	?= /usr/local

have	= $(if $(wildcard $(1)/Makefile),$(1))
sub	= +$(if $(call have,$(1)),$(MAKE) -C $(1) O=$(2) KVER=$(KVER) KDIR=$(KDIR) $(3),@:)

.PHONY: all module userspace daemon unit selftests test-programs fuzz-targets
all: module userspace

module:
	@test -d $(KDIR) || { \
		echo "kh2: no headers of kernel $(KVER) at $(KDIR);" \
			"install them: apt-get install linux-headers-$(KVER)" >&2; exit 1; }
	+$(MAKE) -C $(KDIR) M=$(M) modules

userspace: daemon

# Each part has a Makefile of its own, called with O= the directory for its results.
daemon: tools
	$(call sub,daemon,$(O))

unit: tools
	$(call sub,tests/unit,$(O)/tests/unit)

selftests: daemon
	$(call sub,tests/selftests,$(O)/tests/selftests)

test-programs: unit selftests

fuzz-targets: tools
	$(call sub,tests/fuzz,$(O)/tests/fuzz)

# Says what to install before a compiler would complain in its own way.
.PHONY: tools
tools:
	@missing=; \
	command -v cc >/dev/null || missing="$$missing gcc"; \
	command -v pkg-config >/dev/null || missing="$$missing pkgconf"; \
	for pair in libmnl:libmnl-dev openssl:libssl-dev libnghttp2:libnghttp2-dev; do \
		pkg-config --exists $${pair%:*} 2>/dev/null || \
			missing="$$missing $${pair#*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "kh2: missing, install: apt-get install$$missing" >&2; exit 1; \
	fi

.PHONY: install modules_install man_install
install: all modules_install man_install
	$(call sub,daemon,$(O),DESTDIR=$(DESTDIR) prefix=$(prefix) install)
	$(if $(DESTDIR),,-ldconfig)

# No key to sign with: a kernel that insists wants the user's own.  Debian's headers lack the
# System.map by which kbuild would run depmod itself.
modules_install:
	+$(MAKE) -C $(KDIR) M=$(M) INSTALL_MOD_PATH=$(DESTDIR) CONFIG_MODULE_SIG_ALL= modules_install
	$(if $(DESTDIR),,depmod $(KVER))

man_install:
	for page in $(wildcard Documentation/man/*.[1-8]); do \
		install -D -m 644 -t $(DESTDIR)$(prefix)/share/man/man$${page##*.} $$page || exit; \
	done

.PHONY: vm-build run test fuzz check bench
vm-build:
	@tests/vm/needs
	@tests/vm/build --kernel $(KERNEL)

run:
	@tests/vm/needs
	@exec tests/vm/serve --kernel $(KERNEL) --port '$(PORT)' $(RUN_ARGS)

test:
	@tests/vm/needs
	@tests/run --kernel $(KERNEL) $(foreach t,$(TESTS),'$(t)')

# All fuzzers for FUZZ_SECONDS each, two at a time, and those of the module in the VM
# (Documentation/fuzzing.rst)
fuzz:
	@tests/vm/needs
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run --kernel $(KERNEL) $(FUZZ:%='%')

check:
	@tests/vm/needs
	@tests/check $(CHECKS)

bench:
	@tests/vm/needs
	@exec tests/bench/run $(BENCH_ARGS)

.PHONY: clean distclean-cache
clean:
	rm -rf $(O)
	-@test ! -d $(KDIR) || $(MAKE) -s -C $(KDIR) M=$(M) clean
	@tests/vm/clean

distclean-cache: clean
	@tests/vm/clean --all
