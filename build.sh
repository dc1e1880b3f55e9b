#!/usr/bin/env bash
# Builds, runs, checks and tests Goop. Without an argument it lists its commands.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# ---- commands: "name|what it does", in the order of the list --------------------------------------

readonly COMMANDS=(
  "build|the member for browsers (js/dist) and the host's binary (bin/goop); skips what is up to date"
  "run|build, then serve the demo site; further arguments go to: goop serve"
  "build-door|the door for Cloudflare into bin/edge, from where wrangler takes it"
  "run-door|build, then run the door for Cloudflare on this machine, in workerd; [--port 7790] [--data DIR]"
  "check|formatting, vet and staticcheck for both targets, types, dependencies, cross builds"
  "test|everything, with what it needs installed first: check, the tests below, the ledgers, each benchmark once"
  "test-go|Go tests with the race detector; further arguments go to: go test"
  "test-large|Go tests that the race detector makes smaller, at their full size"
  "test-wasm|Go tests of what browsers run, as js/wasm under Node"
  "test-browser|tests with the real binary in Chromium and Firefox; [filter] is a pattern for their names"
  "soak|the real host and members in a bad world; [--minutes 5] [--seed N], see docs/testing.md"
  "bench|Goop beside its peers, into docs/performance.md; [goop|peers|data|page|micro|sizes|report], or smoke, or slow"
  "screens|pictures of every page of the built-in sites, into test-results/screens; [chess|quiz|study|door|host]"
  "ledger|docs/wasm-size.md anew: the bytes of the member, package by package"
  "bundle|js/goop.js of the modules in js/goop, and libraries from npm into js/vendor and host/templates/*/vendor"
)

usage() {
  echo "usage: ./build.sh COMMAND [arguments]"
  echo
  local entry
  for entry in "${COMMANDS[@]}"; do printf '  %-13s %s\n' "${entry%%|*}" "${entry#*|}"; done
}

# ---- what the commands are made of ----------------------------------------------------------------

readonly DIST=js/dist
# All that is compiled for this machine is compiled the same way, so that the checks, the tests, the benchmarks and what
# ships share it: without C, and without the names of folders. Only the race detector needs other code, and C.
GOFLAGS="$(go env GOFLAGS 2>/dev/null || true) -trimpath"
export GOFLAGS CGO_ENABLED=0
readonly WASM_PACKAGES=(./shared/... ./wasm/...)

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

need() {
  local tool
  for tool in "$@"; do command -v "$tool" >/dev/null || die "$tool is needed and not installed"; done
}

# As root, directly or through sudo.
as_root() {
  if ((EUID == 0)); then "$@"
  elif command -v sudo >/dev/null; then sudo -n "$@" || die "sudo asks for a password; run this once as root: $*"
  else die "needs root, and there is no sudo: $*"; fi
}

# Installs the Debian packages of the given "command=package" pairs whose command is missing.
install_missing() {
  local pair missing=() PATH=$PATH:/usr/sbin:/sbin
  for pair in "$@"; do command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}"); done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || die "please install: ${missing[*]}"
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The npm packages of a folder, exactly as its lock file has them.
npm_packages() {
  need npm
  local folder=${1:-js}
  local stamp=$folder/node_modules/.package-lock.json
  [[ -f $stamp && ! $folder/package-lock.json -nt $stamp ]] && return 0
  say "npm ci in $folder"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  touch "$stamp"
}

# The Go program for browsers, packed and compressed, with Go's own loader. Go leaves an output that is up to
# date alone, and dist.mjs compresses only what has changed.
build_member() {
  need go node
  GOOS=js GOARCH=wasm go build -buildvcs=false -ldflags='-s -w' -o bin/member.wasm ./wasm/member
  node js/tools/dist.mjs $DIST bin/member.wasm "$(go env GOROOT)/lib/wasm/wasm_exec.js" "$(go env GOVERSION)"
}

# What a door serves: the program of its visitors, and the pages around it.
build_visitor() {
  GOOS=js GOARCH=wasm go build -trimpath -buildvcs=false -ldflags='-s -w' -o bin/visitor.wasm ./wasm/visitor
  node js/tools/door.mjs js/door $DIST/door bin/visitor.wasm "$(go env GOROOT)/lib/wasm/wasm_exec.js" "$(go env GOVERSION)"
}

# member_ledger [--check]: where the member's bytes are, beside those of a Go program that does nothing.
member_ledger() {
  local folder
  folder=$(mktemp -d)
  printf 'package main\n\nfunc main() {}\n' >"$folder/empty.go"
  GOOS=js GOARCH=wasm go build -buildvcs=false -ldflags='-s -w' -o bin/empty.wasm "$folder/empty.go"
  rm -r "$folder"
  node js/tools/ledger.mjs $DIST bin/empty.wasm "$@"
}

build_host() {
  local version
  version=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
  go build -ldflags="-s -w -X main.version=$version" -o bin/goop ./host/cmd/goop
}

# The door for Cloudflare: what wrangler uploads, and wasm/edge/run.mjs runs. The generator empties its folder.
build_edge() {
  go tool workers-assets-gen -mode=go -o bin/edge/worker
  rm bin/edge/worker/worker.mjs
  cp wasm/edge/{entry,files,hosts,judge,network}.mjs bin/edge/worker/
  GOOS=js GOARCH=wasm go build -buildvcs=false -ldflags='-s -w' -o bin/edge.wasm ./wasm/edge
  cp bin/edge.wasm bin/edge/worker/app.wasm
  node wasm/edge/assets.mjs
}

# ---- the stages of check and test -----------------------------------------------------------------

SUMMARY=()

# Runs a stage, and keeps its time; the first that fails ends the run.
stage() {
  local name=$1 start=$SECONDS
  shift
  say "$name"
  # A subshell with errexit of its own: a function called in an if would run on after a failure.
  set +e
  (set -e; "$@")
  local rc=$?
  set -e
  SUMMARY+=("$(printf '%-34s %4d s  %s' "$name" $((SECONDS - start)) "$([[ $rc == 0 ]] && echo ok || echo FAILED)")")
  if ((rc != 0)); then
    summary
    echo "$((${#SUMMARY[@]} - 1)) passed, 1 failed"
    exit 1
  fi
}

summary() {
  echo
  printf '%s\n' "${SUMMARY[@]}"
  printf '%-34s %4d s\n' "all" "$SECONDS"
}

check_format() {
  local unformatted
  unformatted=$(gofmt -l host js/*.go js/bench shared wasm)
  [[ -z $unformatted ]] || die "not formatted (gofmt -w):"$'\n'"$unformatted"
  # What a merge leaves in a document, nothing else would notice.
  ! git grep -nE '^(<{7}|>{7}) ' >&2 || die "the above are marks of a merge"
}

check_modules() {
  go mod tidy -diff
  go mod verify >/dev/null
}

check_fixes() { go fix -diff ./...; }

# Native ./... passes over js-only packages without a word, so everything runs for both.
check_vet() {
  go vet ./...
  GOOS=js GOARCH=wasm go vet "${WASM_PACKAGES[@]}"
}

check_static() {
  go build -modfile=.ci/tools.mod -o bin/staticcheck honnef.co/go/tools/cmd/staticcheck
  bin/staticcheck ./...
  GOOS=js GOARCH=wasm bin/staticcheck "${WASM_PACKAGES[@]}"
}

# Without optimisation, which takes half as long: nothing of this runs.
check_cross() {
  local target
  for target in windows/amd64 darwin/arm64; do
    GOOS=${target%/*} GOARCH=${target#*/} go build -gcflags='all=-N -l' -ldflags='-s -w' -o /dev/null ./host/cmd/goop || die "does not build for $target"
  done
}

# What the programs of pages may not even reach, as .ci/member-deps lists it with reasons.
check_member_deps() {
  local deps pattern reason bad=0
  deps=$(GOOS=js GOARCH=wasm go list -deps ./wasm/member ./wasm/visitor)
  while IFS=$'\t' read -r pattern reason; do
    [[ -z $pattern || $pattern == \#* ]] && continue
    if grep -E "^($pattern)(/|\$)" <<<"$deps" >&2; then
      echo "wasm/member or wasm/visitor reaches the above, which neither may: $reason" >&2
      bad=1
    fi
  done <.ci/member-deps
  return $bad
}

check_size() {
  build_member
  build_visitor
  member_ledger --check
}

check_types() { js/node_modules/.bin/tsc -p js; }

check_bundle() { node js/tools/bundle.mjs --check; }

stages_check() {
  stage "format" check_format
  stage "modules" check_modules
  stage "what the member reaches" check_member_deps
  stage "size of the member" check_size
  stage "npm packages" npm_packages
  stage "types" check_types
  stage "bundles are as their sources" check_bundle
  stage "go fix" check_fixes
  stage "vet" check_vet
  stage "cross builds" check_cross
  stage "staticcheck" check_static
}

# check vets everything, and so nothing below does it again.
test_go() {
  need cc
  CGO_ENABLED=1 go test -race -vet=off -timeout=9m "${@:-./...}"
}

# A storm of 2,000 joins, a slow one among 100 members, two rotations of certificates: with the race detector all are smaller.
# A query of 300 MB is not run with it at all.
test_large() {
  go test -vet=off -timeout=9m -run='^(TestJoinStorm|TestSlowMember|TestRotation|TestQueryThatNeedsTooMuchMemory)$' \
    ./host/relay ./host/internal/together ./host/node ./host/store
}

# What the hot paths allocate, counted without the race detector, which allocates too.
test_allocations() { go test -vet=off -count=1 ./host/bench/ledger; }

# Node gives a Go program little room for its environment, so the tests get only what they need of it.
test_wasm() {
  local exec
  exec="$(go env GOROOT)/lib/wasm/go_js_wasm_exec"
  env -i PATH="$PATH" HOME="${HOME:-/tmp}" GOFLAGS="$(go env GOFLAGS)" GOPROXY="$(go env GOPROXY)" GOCACHE="$(go env GOCACHE)" \
    GOMODCACHE="$(go env GOMODCACHE)" GOOS=js GOARCH=wasm go test -vet=off -timeout=9m -exec="$exec" ./shared/... ./wasm/internal/...
}

# The browser tests run in network namespaces of their own: see js/test/netns.sh.
browser() {
  js/test/netns.sh "$@"
}

# Three files at a time, each with namespaces of its own: most of the time a test waits, for a page or for a network that is away.
# The lanes take about as long as each other.
test_browser() {
  local run=(js/test/netns.sh node --test --test-concurrency=1 --test-reporter=spec) pages=() networks=() sites=() file lane pids=() logs status=0
  npm_packages docs/examples/js-libp2p # a member in another language, which is run
  if [[ -n ${1:-} ]]; then
    "${run[@]}" --test-name-pattern="$1" js/test/*.test.mjs
    return
  fi
  for file in js/test/*.test.mjs; do
    case ${file##*/} in
      quiz.* | session.* | visits.*) pages+=("$file") ;;
      door.* | door-worker.* | https.* | moving.* | router.* | terminal.*) networks+=("$file") ;;
      *) sites+=("$file") ;;
    esac
  done
  logs=$(mktemp -d)
  "${run[@]}" "${pages[@]}" >"$logs/pages" 2>&1 & pids+=($!)
  "${run[@]}" "${networks[@]}" >"$logs/networks" 2>&1 & pids+=($!)
  "${run[@]}" "${sites[@]}" || status=$?
  for lane in "${pids[@]}"; do wait "$lane" || status=$?; done
  cat "$logs"/*
  rm -r "$logs"
  return "$status"
}

# What the browser tests need: browsers, namespaces, a router, and tools for the certificates that browsers believe.
readonly FOR_BROWSERS=(chromium=chromium firefox-esr=firefox-esr ip=iproute2 nft=nftables openssl=openssl certutil=libnss3-tools)

# The reverse proxies that are tested in front of a host, into bin/proxies. They are unpacked and not installed: an
# installed one would begin to serve the machine's port 80.
proxies() {
  local missing=() name
  for name in nginx caddy; do
    command -v "$name" /usr/sbin/"$name" bin/proxies/usr/{s,}bin/"$name" >/dev/null || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || die "please install: ${missing[*]}"
  say "unpacking ${missing[*]}"
  mkdir -p bin/proxies
  (
    cd bin/proxies
    apt-get download -qq "${missing[@]}" 2>/dev/null || { as_root apt-get update -qq && apt-get download -qq "${missing[@]}"; }
    for name in *.deb; do dpkg-deb -x "$name" .; done
    rm ./*.deb
  )
}

for_browsers() {
  install_missing "${FOR_BROWSERS[@]}"
  proxies
}

# ---- the commands ---------------------------------------------------------------------------------

cmd_build() {
  build_member
  build_visitor
  build_host
}

cmd_run() {
  cmd_build
  exec bin/goop serve "$@"
}

cmd_build-door() {
  need go node
  build_visitor
  build_edge
}

cmd_run-door() {
  cmd_build-door
  npm_packages wasm/edge
  exec node wasm/edge/run.mjs "$@"
}

cmd_check() {
  stages_check
  summary
}

cmd_test() {
  need go node npm
  stage "tools" install_missing "${FOR_BROWSERS[@]}" cc=gcc
  stage "proxies" proxies
  stages_check
  stage "build" cmd_build
  stage "build of the Worker" build_edge
  stage "npm packages of the Worker" npm_packages wasm/edge
  stage "Go tests as js/wasm" test_wasm
  stage "Go tests with the race detector" test_go
  stage "Go tests at full size" test_large
  stage "allocations, by the ledger" test_allocations
  stage "browser tests" test_browser
  stage "each benchmark, small" cmd_bench smoke
  summary
  echo "${#SUMMARY[@]} passed, 0 failed"
}

cmd_test-go() { test_go "$@"; }
cmd_test-large() { test_large; }
cmd_test-wasm() { test_wasm; }

cmd_test-browser() {
  for_browsers
  npm_packages
  check_bundle # what pages load is what was committed
  cmd_build
  build_edge
  npm_packages wasm/edge
  test_browser "$@"
}

cmd_soak() {
  local minutes=5 seed=0
  while (($#)); do
    case $1 in
      --minutes) minutes=${2:?} ;;
      --seed) seed=${2:?} ;;
      *) die "soak takes --minutes and --seed, not $1" ;;
    esac
    shift 2
  done
  go test ./host/internal/soak -run='^TestSoak$' -v -count=1 -timeout=0 -minutes="$minutes" -seed="$seed"
}

# in_folder FOLDER COMMAND…: a module of its own has to be built from inside.
in_folder() { (cd "$1" && "${@:2}"); }

# The peers beside which Goop is measured, their loader, and the tool that runs them all. They are linked side by side.
build_bench() {
  need go node npm
  local peer pid pids=() bin=$PWD/bin
  # Modules and packages of their own, which nothing that ships knows.
  for peer in socketio bun; do npm_packages host/bench/peers/$peer; done
  for peer in pocketbase nats gohub loader; do
    in_folder host/bench/peers/$peer go build -ldflags='-s -w' -o "$bin/bench-$peer" . & pids+=($!)
  done
  go build -ldflags='-s -w' -o bin/bench-data ./host/bench/data & pids+=($!)
  go build -ldflags='-s -w' -o bin/bench-report ./host/bench/report & pids+=($!)
  for pid in "${pids[@]}"; do wait "$pid"; done
}

# What a page is measured with.
build_bench_page() {
  for_browsers
  npm_packages
  npm_packages host/bench/peers/page
  go build -ldflags='-s -w' -o bin/bench-page-sender ./js/bench/sender
  in_folder host/bench/peers/page-libp2p go build -ldflags='-s -w' -o "$PWD/bin/bench-page-libp2p" .
}

cmd_bench() {
  local flags=() parts=("$@")
  case "${1:-} ${2:-}" in
    slow*)
      go test -run='^TestSlowMember$' -v -timeout=20m ./host/internal/together -slow.for=20s -slow.pairs=5 "${@:2}"
      return
      ;;
    "page --"*) # a look, of which nothing is kept
      cmd_build
      build_bench_page
      browser node js/bench/page.mjs "${@:2}"
      return
      ;;
    smoke*) flags=(-smoke) parts=("${@:2}") ;;
  esac
  cmd_build
  # The page is measured when no part is named, too.
  if [[ " ${parts[*]} " == *" page "* || ! " ${parts[*]} " =~ \ (goop|peers|data|micro|sizes|report)\  ]]; then build_bench_page; fi
  build_bench
  bin/bench-report "${flags[@]}" "${parts[@]}"
}

cmd_screens() {
  for_browsers
  npm_packages
  cmd_build
  browser node js/test/screens.mjs "$@"
}

cmd_ledger() {
  build_member
  build_visitor
  member_ledger
}

cmd_bundle() {
  npm_packages
  node js/tools/bundle.mjs
}

main() {
  if (($# == 0)); then
    usage
    return 0
  fi
  local entry
  for entry in "${COMMANDS[@]}"; do
    if [[ ${entry%%|*} == "$1" ]]; then
      "cmd_$1" "${@:2}"
      return
    fi
  done
  echo "build.sh: there is no command \"$1\"" >&2
  usage >&2
  return 2
}

main "$@"
