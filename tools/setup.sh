# Sourced by tools/demo, tools/test and .ci/run: says what it does, installs what is missing from Debian
# 12, builds a preset. Callers stand in the repository's root.

# The compiler cache knows a file again in whatever folder the repository lies.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

build_packages=(
  g++ cmake ninja-build ccache git pkg-config ca-certificates
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev
  libsqlite3-dev libc-ares-dev libspdlog-dev libfmt-dev libcli11-dev libtomlplusplus-dev
  libsrtp2-dev libopus-dev libspeexdsp-dev zlib1g-dev doctest-dev
)
run_packages=(python3 python3-jsonschema)
test_packages=(python3-cryptography libxml2-utils sqlite3 openssl curl sip-tester sipsak baresip-core twinkle-console linphone-cli linphone-common tmux mandoc zsh fish)
# A node that is installed already may be another build, which Debian's npm does not fit.
command -v npm >/dev/null || test_packages+=(nodejs npm)
# Peers and instruments of tools/bench.
bench_packages=(libosip2-dev libre-dev libsofia-sip-ua-dev liblmdb-dev librocksdb-dev valgrind)
sanitizer_packages=(clang-19 libclang-rt-19-dev llvm-19)
check_packages=(clang-format-19)

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}

# install PACKAGE...: those that are not there yet.
install() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "All Debian packages are there"
    return
  fi
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "not root and no sudo: install these packages by hand: ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -q || fail "apt-get update"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
    fail "apt-get install (is this Debian 12?)"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  say "Building preset '$preset' with $(nproc) processors"
  mkdir -p build
  cmake --preset "$preset" >"build/configure-$preset.log" || {
    tail -n 30 "build/configure-$preset.log"
    fail "configuring (build/configure-$preset.log)"
  }
  local targets=()
  [ $# -eq 0 ] || targets=(--target "$@")
  cmake --build --preset "$preset" "${targets[@]}" || fail "building preset '$preset'"
}
