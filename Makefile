# prabench: build, first look, tests. `make help` lists the targets.
GO ?= go
BIN := bin/prabench

# Threads that wait for work give their core away soon: tests share the machine
# with each other. The program sets this for itself (models/cpu/spin.go).
export GOMP_SPINCOUNT ?= 30000

.PHONY: help build setup quick test test-short race vet lint fuzz storm slurm-test check-aa bench pytorch-compare jax-compare cuda cuda-test cuda-selftest cuda-bundle cuda-bundle-test cuda-ptx cuda-check dist dist-test clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort

build: ## bin/prabench
	@mkdir -p bin
	$(GO) build -buildvcs=auto -o $(BIN) ./cmd/prabench

setup: ## install what is missing and can be installed (a C compiler, oneDNN)
	@sh .ci/setup

quick: setup build ## train eight small models on MNIST, measure them, draw the figures
	$(BIN) data fetch mnist
	$(BIN) run experiments/quick.toml

test: setup vet ## every test
	$(GO) test -timeout 20m ./...

test-short: vet ## the quick part of the tests, within a minute; says what was left out
	@GO="$(GO)" .ci/test-short

vet:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...

lint: ## golangci-lint, govulncheck, shellcheck and clang-format (.ci/lint)
	@GO="$(GO)" sh .ci/lint

race: ## the Go parts under the race detector, slow tests left out
	$(GO) test -race -short ./harness/... ./results/... ./experiments/... ./models/dataset/...
	@echo "skipped under the race detector: TestCheck… of cmd/prabench, which start hundreds of programs; make test runs them"
	$(GO) test -race -short -skip '^TestCheck' ./cmd/...

FUZZTIME ?= 60s
fuzz: ## every fuzz target for FUZZTIME (60s) each, in 512 MiB; TARGET=FuzzIDX for one
	@GO="$(GO)" FUZZTIME=$(FUZZTIME) sh .ci/fuzz $(TARGET)

KILLS ?= 200
storm: build ## kill workers and the runner of quick.toml at KILLS random moments, then compare
	$(BIN) data fetch mnist
	$(GO) run ./cmd/storm -program $(BIN) -kills $(KILLS) -longest 4s experiments/quick.toml \
		--set train.steps=40 --set sample.count=100 --set metrics.samples=200 --set data.limit=1000 --set measure.batch=8 \
		--set measure.rounds=2 --set measure.train_steps=1 --set measure.repeat_disturbed=0 --set measure.checkpoint_steps=10

slurm-test: ## twelve cells through a real Slurm on this machine (Debian: slurmctld slurmd slurm-client munge)
	PRABENCH_SLURM_TEST=1 $(GO) test -count=1 -timeout 14m -p 1 -run 'TestRealSlurm|TestKilledTest' -v ./harness/tools/slurm/...

RUNS ?= 30
BUDGET ?= 20s
check-aa: build ## check this program against itself RUNS times (30), BUDGET each (20s): no regression may be called
	$(GO) run ./cmd/check-aa -program $(BIN) -runs $(RUNS) -budget $(BUDGET)

bench: build ## what this machine reaches: training and sampling against its peak
	$(BIN) bench

# The newest PyTorch from PyPI, in a virtual environment beside the caches; the wheel is large.
PYTORCH := .prabench/pytorch
pytorch-compare: ## the same model in PyTorch, timed in turn with ours (fetches PyTorch; docs/measurements/pytorch.md)
	@test -x $(PYTORCH)/bin/python || python3 -m venv $(PYTORCH)
	@$(PYTORCH)/bin/python -c 'import torch, numpy, safetensors' 2>/dev/null || \
		$(PYTORCH)/bin/pip install torch numpy safetensors || \
		{ echo "PyTorch could not be installed from PyPI; without it there is nothing to compare with."; exit 1; }
	$(PYTORCH)/bin/python models/testdata/sidebyside/compare.py all

# JAX_PYTHON chooses the Python: the newest JAX wants a newer one than Debian's.
JAX := .prabench/jax
JAX_PYTHON ?= python3
jax-compare: ## the same model in JAX on the CPU, timed in turn with ours (fetches JAX; docs/measurements/pytorch.md)
	@test -x $(JAX)/bin/python || $(JAX_PYTHON) -m venv $(JAX)
	@$(JAX)/bin/python -c 'import jax, numpy, safetensors' 2>/dev/null || \
		$(JAX)/bin/pip install jax numpy safetensors || \
		{ echo "JAX could not be installed from PyPI; without it there is nothing to compare with."; exit 1; }
	$(JAX)/bin/python models/testdata/sidebyside/compare.py all --opponents jax --out .prabench/jax.jsonl

# What cgo needs for the tag cuda; .ci/cuda-headers finds the headers and makes
# the library to link with.
CUDA_LINK = CGO_CFLAGS="-O2 -g -Wno-deprecated-declarations -I$(CURDIR)/models/cuda/include -I$$(cat .prabench/cuda/include)" CGO_LDFLAGS="-L$(CURDIR)/.prabench/cuda/stub"
# Bound when it is called: a linker that binds everything at the start finds no
# NVML among what is linked, and a driver of another age lacks a function or two.
CUDA_LAZY = -extldflags=-Wl,-z,lazy
cuda: ## bin/prabench-cuda, the worker of CUDA devices (headers of a toolkit or of NVIDIA's wheel; no CUDA compiler)
	@sh .ci/cuda-headers
	@mkdir -p bin
	$(CUDA_LINK) $(GO) build -buildvcs=auto -tags cuda -ldflags '$(CUDA_LAZY)' -o bin/prabench-cuda ./cmd/prabench

CUDA_STANDIN = LD_LIBRARY_PATH=$(CURDIR)/.prabench/cuda/standin STANDIN_LEAKS=1
CUDA_PTX = STANDIN_IMAGES=$(CURDIR)/.prabench/cuda/standin
cuda-test: build cuda ## the CUDA core on a driver that runs on the CPU: sources and PTX: conformance, laws, training, a sweep, races, mutations
	@GO="$(GO)" sh .ci/cuda-standin ptx
	$(CUDA_LINK) $(GO) vet -tags cuda ./models/... ./cmd/prabench
	$(CUDA_LINK) $(CUDA_STANDIN) $(GO) test -timeout 40m -tags cuda -count=1 ./models/cuda
	$(CUDA_LINK) $(CUDA_STANDIN) STANDIN_NVML_HELD=256 $(GO) test -timeout 40m -tags cuda -count=1 -ldflags '$(CUDA_LAZY)' ./models/cuda/nvml
	$(CUDA_LINK) $(CUDA_STANDIN) $(CUDA_PTX)/ptx $(GO) test -timeout 40m -tags cuda -count=1 -skip '^TestMutants$$' ./models/cuda
	$(CUDA_LINK) $(CUDA_STANDIN) $(CUDA_PTX)/races $(GO) test -timeout 40m -tags cuda -count=1 -run '^(TestConformance|TestConformanceOwnProducts|TestBF16Cache|TestPrecisions)$$' ./models/cuda
	$(CUDA_LINK) $(CUDA_STANDIN) $(CUDA_PTX)/races $(GO) test -timeout 40m -tags cuda -count=1 -run '^TestShapes$$/^(layers_of_few_rows|launches_of_a_chain|attention_on_tensor)' ./models/cuda
	$(CUDA_LINK) $(CUDA_STANDIN) $(CUDA_PTX)/ptx $(GO) test -timeout 40m -tags cuda -count=1 -run 'TestOracleCUDA|TestCUDAGradients|TestCUDAGraphs|TestCUDAChains|TestCUDATraining' ./models/pra
	$(CUDA_LINK) $(CUDA_STANDIN) $(GO) test -timeout 40m -tags cuda -count=1 -short ./models/cuda/selftest -args -report $(CURDIR)/.prabench/cuda/selftest-standin.md
	$(CUDA_LINK) $(CUDA_STANDIN) $(GO) test -timeout 40m -tags cuda -count=1 -short -run 'TestCUDA|TestLaw|TestOracleCUDA|TestTheSameSeed|TestRanks$$' ./models/pra
	@echo 'skipped on the stand-in: some of the switches and variants in the laws of pra, which it takes seconds for; make test tries all'
	$(CUDA_LINK) $(CUDA_STANDIN) $(GO) test -timeout 40m -tags cuda -count=1 -run 'TestCUDA|TestLaw|TestOracleCUDA|TestTheSameSeed|TestRanks$$' ./models/jit ./models/mar ./models/vq
	$(CUDA_LINK) $(CUDA_STANDIN) $(GO) test -timeout 40m -tags cuda -count=1 -run 'TestCUDA' ./cmd/prabench

cuda-selftest: cuda ## on a machine with a GPU: right or wrong, speeds and roofline shares, as cuda-selftest.md to post
	$(CUDA_LINK) $(GO) test -tags cuda -count=1 -timeout 60m -ldflags '$(CUDA_LAZY)' ./models/cuda/selftest -args -report $(CURDIR)/cuda-selftest.md

cuda-bundle: ## a folder and a .tar.gz for a machine with a driver and nothing else, in .prabench (docs/design/cuda.md)
	@sh .ci/cuda-headers
	@$(CUDA_LINK) GO="$(GO)" sh .ci/cuda-bundle

cuda-bundle-test: cuda-bundle ## both commands of the bundle on the stand-in driver, in a root without Go, compiler or Python
	@sh .ci/cuda-standin
	@sh .ci/cuda-bundle-root || { [ $$? = 3 ] && echo "skipped: the bundle in a root of its own"; }

dist: ## a folder and a .tar.gz for Linux of RHEL 8's age or newer, without Go and compiler, in .prabench (docs/reference/cluster.md)
	@GO="$(GO)" sh .ci/dist

dist-test: ## the same, and quick.toml from it in a root with an old C library and busybox
	@{ GO="$(GO)" sh .ci/dist && sh .ci/dist-root; } || { [ $$? = 3 ] && echo "skipped: the bundle in a root of its own"; }

cuda-ptx: ## compile the CUDA kernels to the committed PTX (clang-19; no CUDA needed)
	@sh .ci/cuda-ptx

CUDA_WHEELS := .prabench/cuda-wheels
cuda-check: ## prove the CUDA kernels without a GPU: fresh PTX, ptxas and NVRTC of CUDA 12 and 13 (from PyPI); UPDATE=1 writes docs/design/cuda-kernels.md
	@sh .ci/cuda-wheels $(CUDA_WHEELS) || echo "cuda-check: what needs these compilers is skipped"
	$(GO) run ./cmd/cuda-check -wheels $(CUDA_WHEELS) $(if $(UPDATE),,-compare)

clean: ## remove what was built; results.db, .prabench and figures stay
	rm -rf bin
