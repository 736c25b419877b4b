# Sourced. The Debian packages troupe needs, and install_missing: quiet and quick when nothing is to be done.
build_packages="g++ cmake ninja-build pkg-config ccache mold git
  libcaf-dev librdkafka-dev liblz4-dev libcereal-dev libspdlog-dev libfmt-dev
  libboost1.81-dev libboost-url1.81-dev libboost-json1.81-dev libboost-system1.81-dev
  libyaml-cpp-dev libre2-dev libcurl4-openssl-dev libssl-dev zlib1g-dev libprotozero-dev libsnappy-dev libzstd-dev
  libdeflate-dev libxml2-dev libroaring-dev libfast-float-dev libxxhash-dev libcli11-dev libcrypt-dev"
test_packages="clang-format-14 libgtest-dev libgmock-dev libbenchmark-dev python3 curl jq openssl systemd"
check_packages="clang-tidy-14"
kafka_packages="maven openjdk-17-jre-headless"
fuzz_packages="clang-16 libclang-rt-16-dev llvm-16"

# install_missing PACKAGE…
install_missing() {
  local missing=() p have
  # dpkg-query fails when it knows none of a name: that is an answer here.
  have=$({ dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null || true; } | awk '$2 == "ii" {print $1}' | sort -u)
  for p in "$@"; do
    grep -qxF "$p" <<<"$have" || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "installing: ${missing[*]}"
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  # The distribution may carry another Boost that conflicts with 1.81's headers; apt resolves it when asked for at once.
  $sudo apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
