#!/bin/bash
# Two regions over a real Kafka: east takes samples, west takes them over; west is cut off (kill -9) while east goes on, and comes
# back. Prints what was sent, missing and replayed. Called by scripts/demo.sh --regions. usage: demo_regions.sh TROUPE
set -euo pipefail
cd "$(dirname "$0")/.."
troupe=${1:?the binary}
work=$(mktemp -d)
export TROUPE_KAFKA_RUN=$work/kafka
declare -A pid port
finish() {
  local p
  for p in "${pid[@]}"; do kill "$p" 2>/dev/null || true; done
  wait 2>/dev/null || true
  scripts/kafka.sh stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

echo "starting Kafka …"
brokers=$(scripts/kafka.sh start | tail -n 1)
mapfile -t ports < <(python3 -c '
import socket
held = [socket.socket() for _ in range(2)]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held), sep="\n")')
port=([east]=${ports[0]} [west]=${ports[1]})

start_region() { # start_region REGION OTHER
  mkdir -p "$work/$1"
  echo "scrape_configs: []" >"$work/$1/prometheus.yml"
  cat >"$work/$1/troupe.yml" <<Y
kafka: [{name: main, brokers: ['$brokers']}]
region: {name: $1, partitions: 4}
regions: [{name: $2, kafka: main}]
Y
  "$troupe" --config.file="$work/$1/prometheus.yml" --troupe.config.file="$work/$1/troupe.yml" --web.enable-remote-write-receiver \
    --storage.tsdb.path="$work/$1/data" --web.listen-address="127.0.0.1:${port[$1]}" >>"$work/$1/log" 2>&1 &
  pid[$1]=$!
  local i
  for i in $(seq 100); do
    curl -fs "http://127.0.0.1:${port[$1]}/-/ready" >/dev/null 2>&1 && return 0
    kill -0 "${pid[$1]}" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/$1/log" >&2
  return 1
}

# Samples of a region that another node has.
samples_at() { # samples_at NODE SELECTOR
  curl -fs "http://127.0.0.1:${port[$1]}/api/v1/query" --data-urlencode "query=sum(count_over_time($2[2h]))" |
    jq -r '.data.result[0].value[1] // "0"'
}
send() { # send DURATION END: samples of a simulated fleet, as fast as they are taken; prints how many
  "$troupe" bench write --profile=walk16 --series=5000 --duration="$1" --end="$2" --output=json "http://127.0.0.1:${port[east]}" | jq .samples_acked
}
wait_for() { # wait_for COUNT: until west has so many of east's
  local i
  for i in $(seq 600); do
    [ "$(samples_at west "$of_east")" -ge "$1" ] 2>/dev/null && return 0
    sleep 0.1
  done
  return 1
}
of_east='bench_walk{region="east"}'

start_region east west
start_region west east
now=$(date +%s)
echo "east takes samples, west has them a moment later …"
first=$(send 5m $((now - 1200)))
wait_for "$first" || { tail -n 5 "$work/west/log" >&2; exit 1; }
echo "west is cut off; east goes on …"
kill -9 "${pid[west]}"
wait "${pid[west]}" 2>/dev/null || true
second=$(send 20m "$now")
sleep 1
echo "west comes back …"
began=$(date +%s%N)
start_region west east
before=$(samples_at west "$of_east")
wait_for $((first + second)) || true
took=$((($(date +%s%N) - began) / 1000000))
got=$(samples_at west "$of_east")
sent=$((first + second))
printf '\n%-42s %12s\n' "samples sent to east" "$sent"
printf '%-42s %12s\n' "of these while west was away" "$second"
printf '%-42s %12s\n' "replayed to west in $((took / 1000)).$((took % 1000 / 100)) s" $((got - before))
printf '%-42s %12s\n' "missing in west" $((sent > got ? sent - got : 0))
printf '%-42s %12s\n' "twice in west" $((got > sent ? got - sent : 0))
[ "$got" -eq "$sent" ]
