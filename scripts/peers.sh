#!/bin/bash
# Gets the real peers for tests and comparison: Prometheus, promtool, Alertmanager, VictoriaMetrics, exporters, and client
# libraries. Nothing is installed and no service started: packages of the newest Debian suite that has them are unpacked into a
# cache folder, and pip puts the libraries beside them, where there is a pip.
# usage: scripts/peers.sh [--path]       prints the versions; --path prints only the folder of the binaries
#        scripts/peers.sh --collector    also OpenTelemetry's collector: its builder makes it of Go modules, which takes minutes
set -euo pipefail
cache=${TROUPE_PEERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/troupe/peers}
packages=(prometheus promtool prometheus-alertmanager victoria-metrics prometheus-node-exporter prometheus-pushgateway
  prometheus-blackbox-exporter)
suites=(unstable testing stable)
bin=$cache/root/usr/bin
libraries=(opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2 prometheus-client==0.26.0 influxdb-client==1.50.0)

collector=0.165.0 collector_stable=1.71.0  # one release
quiet=0
[ "${1:-}" = --path ] && quiet=1

fetch() {
  mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$cache/debs"
  # The machine's own mirror and keys, with other suites: no address of ours.
  local mirror
  mirror=$( (cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk '$1 == "deb" {
      for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }'
    awk '$1 == "URIs:" {print $2; exit}' /etc/apt/sources.list.d/*.sources 2>/dev/null) | head -n 1)
  if [ -z "$mirror" ]; then
    echo "peers.sh: no Debian mirror in this machine's apt configuration" >&2
    exit 1
  fi
  local suite p got
  for p in "${packages[@]}"; do
    [ -e "$cache/debs/$p.deb" ] && continue
    got=0
    for suite in "${suites[@]}"; do
      local opts=(-o Dir::Etc::SourceList="$cache/apt/$suite.list" -o Dir::Etc::SourceParts=-
        -o Dir::State::Lists="$cache/apt/lists" -o Dir::Cache="$cache/apt" -o Dir::Cache::Archives="$cache/apt/archives"
        -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o APT::Get::List-Cleanup=0 -o APT::Default-Release=)
      if [ ! -e "$cache/apt/$suite.list" ]; then
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$cache/apt/$suite.list"
        apt-get "${opts[@]}" update -qq >"$cache/apt/$suite.log" 2>&1 || {
          mv "$cache/apt/$suite.list" "$cache/apt/$suite.unusable"
          continue
        }
      fi
      if (cd "$cache/apt" && rm -f ./"$p"_*.deb && apt-get "${opts[@]}" download -qq "$p" >>"$cache/apt/$suite.log" 2>&1) &&
        ls "$cache/apt/$p"_*.deb >/dev/null 2>&1; then
        mv "$cache/apt/$p"_*.deb "$cache/debs/$p.deb"
        got=1
        break
      fi
    done
    # Where promtool has no package of its own, it is in Prometheus'.
    if [ $got -eq 0 ] && ! { [ "$p" = promtool ] && dpkg-deb -c "$cache/debs/prometheus.deb" | grep -q bin/promtool; }; then
      echo "peers.sh: no suite of the mirror has $p" >&2
      exit 1
    fi
  done
  rm -rf "$cache/root.tmp" && mkdir -p "$cache/root.tmp"
  for p in "$cache"/debs/*.deb; do
    dpkg -x "$p" "$cache/root.tmp"
  done
  rm -rf "$cache/root" && mv "$cache/root.tmp" "$cache/root"
  rm -rf "$cache/apt/lists" "$cache/apt/archives"
}

# Without them the tests of client libraries are skipped, nothing else.
fetch_libraries() {
  rm -rf "$cache/python.tmp"
  if python3 -m pip install --quiet --retries 1 --timeout 10 --disable-pip-version-check --no-compile --target "$cache/python.tmp" "${libraries[@]}" \
    >"$cache/pip.log" 2>&1; then
    mv "$cache/python.tmp" "$cache/python"
  else
    echo "peers.sh: no client libraries: $(tail -n 1 "$cache/pip.log")" >&2
  fi
}

# The collector with what the tests send through it, by its own builder.
make_collector() {
  local work
  work=$(mktemp -d)
  cat >"$work/manifest.yaml" <<END
dist: {name: otelcol, description: OpenTelemetry Collector, version: $collector, output_path: $work/build}
receivers: [{gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v$collector}]
exporters: [{gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v$collector}]
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v$collector_stable
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v$collector_stable
END
  GOBIN=$work go install "go.opentelemetry.io/collector/cmd/builder@v$collector"
  CGO_ENABLED=0 "$work/builder" --config="$work/manifest.yaml"
  mv "$work/build/otelcol" "$bin/otelcol"
  rm -rf "$work"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[ -x "$bin/promtool" ] && [ -x "$bin/prometheus-node-exporter" ] || fetch
[ -d "$cache/python" ] || fetch_libraries
[ "${1:-}" != --collector ] || [ -x "$bin/otelcol" ] || make_collector
if [ $quiet -eq 1 ]; then
  echo "$bin"
  exit 0
fi
for p in "$cache"/debs/*.deb; do
  dpkg-deb -W --showformat='${Package} ${Version}\n' "$p"
done
for p in "$cache"/python/*.dist-info; do
  [ -e "$p" ] && basename "$p" .dist-info
done | grep -iE "^($(sed 's/==[^ ]*//g; s/ /|/g; s/-/_/g' <<<"${libraries[*]}"))-" || true
echo "binaries: $bin"
