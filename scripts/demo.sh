#!/bin/bash
# Installs what is missing, builds, starts troupe and a real node_exporter, and shows a result of each by PromQL. Stays
# until Ctrl-C; with --once, or without a terminal, it stops after printing.
# With --regions: two regions over a real Kafka, one of which is cut off and comes back; prints what was sent, missing and replayed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
once=0 regions=0
for arg in "$@"; do
  case $arg in
    --once) once=1 ;;
    --regions) regions=1 ;;
    *) echo "usage: scripts/demo.sh [--once] [--regions]" >&2; exit 2 ;;
  esac
done
[ -t 1 ] || once=1

# shellcheck disable=SC2086
install_missing $build_packages python3 curl jq
export CCACHE_SLOPPINESS=pch_defines,time_macros
mkdir -p build
[ -e build/demo/build.ninja ] || cmake --preset demo >build/configure-demo.log 2>&1 || { cat build/configure-demo.log; exit 1; }
if ! ninja -C build/demo -n troupe 2>/dev/null | grep -q 'no work to do'; then
  echo "building troupe …"
  ninja -C build/demo --quiet troupe
fi
troupe=$PWD/build/demo/actors/troupe
if [ $regions -eq 1 ]; then
  exec scripts/demo_regions.sh "$troupe"
fi
peers=$(scripts/peers.sh --path)

free_port() { # the wanted port if free, else any free one
  python3 - "$1" <<'P'
import socket, sys
for port in (int(sys.argv[1]), 0):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", port))
        print(s.getsockname()[1])
        break
    except OSError:
        pass
P
}

work=$(mktemp -d)
pids=()
finish() {
  local p
  for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 0' INT TERM

exporter_port=$(free_port 9100)
"$peers/prometheus-node-exporter" --web.listen-address="127.0.0.1:$exporter_port" --log.level=error >"$work/exporter.log" 2>&1 &
pids+=($!)
port=$(free_port 9090)
cat >"$work/prometheus.yml" <<Y
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: troupe
    static_configs: [{targets: ["127.0.0.1:$port"]}]
  - job_name: node
    static_configs: [{targets: ["127.0.0.1:$exporter_port"]}]
Y
"$troupe" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address="127.0.0.1:$port" \
  >"$work/troupe.log" 2>&1 &
pids+=($!)

url="http://127.0.0.1:$port"
query() { "$troupe" query instant --server "$url" "$1"; }
for _ in $(seq 100); do
  # Two scrapes of node_exporter's CPU counters make a rate.
  query 'count(rate(node_cpu_seconds_total[10s])) and on() (sum(up) == 2)' 2>/dev/null | grep -q '[0-9]' && break
  if ! kill -0 "${pids[1]}" 2>/dev/null; then
    cat "$work/troupe.log"
    exit 1
  fi
  sleep 0.1
done
show() { printf '\n%s\n  %s\n' "$1" "$2"; query "$2" | sed 's/^/    /'; }
show "Targets" 'up'
show "CPU seconds per second, by mode" 'sum by (mode) (irate(node_cpu_seconds_total[10s]))'
show "The five metrics with most series" 'topk(5, count by (__name__) ({__name__=~".+"}))'
printf '\nopen %s\n' "$url"
[ $once -eq 1 ] || wait "${pids[1]}"
