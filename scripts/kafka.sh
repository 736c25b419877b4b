#!/bin/bash
# A real Apache Kafka (KRaft, one or more brokers) on loopback, for tests and for trying things out.
# usage: scripts/kafka.sh start [brokers [secure]]  starts what does not run (1 by default); prints the bootstrap servers
#        scripts/kafka.sh kill N             kill -9 of broker N
#        scripts/kafka.sh stop               stops all brokers and removes their data
#        scripts/kafka.sh status             a line per broker
#        scripts/kafka.sh install            only gets what is missing
# Data and logs lie in TROUPE_KAFKA_RUN, by default a folder below the cache: another folder, another cluster.
# secure: listeners with TLS, too (secure, tls: their addresses in files of each broker's folder; tls/ca.pem signed them). Behind the
# first one users say who they are (SASL, SCRAM-SHA-512 or PLAIN; troupe and guest, password NAME-secret). Whoever comes in plain
# text, and troupe, may do everything; others what access lists allow them, which is nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
version=${TROUPE_KAFKA_VERSION:-4.1.0}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/troupe/kafka
jars=$cache/$version
run=${TROUPE_KAFKA_RUN:-$cache/run}

# The broker, its run-time dependencies and a binding for its logger, from Maven Central by their coordinates.
install_kafka() {
  command -v java >/dev/null && command -v mvn >/dev/null || install_missing $kafka_packages
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  [ -e "$jars/complete" ] && return 0
  rm -rf "$jars" && mkdir -p "$jars"
  cat >"$jars/pom.xml" <<EOF
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
EOF
  (cd "$jars" && mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory=lib) >"$jars/mvn.log" 2>&1 || { tail -n 20 "$jars/mvn.log" >&2; return 1; }
  touch "$jars/complete"
}

free_ports() { # free_ports COUNT
  python3 - "$1" <<'EOF'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held), sep="\n")
EOF
}

# Becomes java: in a subshell, whose number is then java's.
java_of() { # java_of BROKER CLASS ARGUMENT…
  local home=$run/$1
  shift
  exec java -Xmx384m -Xms128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Djava.io.tmpdir="$home" -cp "$jars/lib/*" "$@"
}

# An authority and a key that it signed for loopback, as Kafka reads them.
make_keys() {
  mkdir -p "$run/tls"
  (
    cd "$run/tls"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=kafka.sh" -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj "/CN=127.0.0.1" -keyout broker.key -out broker.csr
    openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out broker.crt \
      -extfile <(echo "subjectAltName=IP:127.0.0.1")
    cat broker.key broker.crt ca.pem >broker.pem
  ) >/dev/null 2>&1
}

secure_settings() {
  cat <<EOF
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
ssl.keystore.type=PEM
ssl.keystore.location=$run/tls/broker.pem
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_troupe="troupe-secret" user_guest="guest-secret";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:ANONYMOUS;User:troupe
EOF
}

# Ports and files of a new cluster.
lay_out() { # lay_out BROKERS [secure]
  local n=$1 secure=${2:-} i ports voters="" secure_listeners="" with=()
  mapfile -t ports < <(free_ports $((4 * n)))
  if [ -n "$secure" ]; then
    make_keys
    with=(--add-scram "SCRAM-SHA-512=[name=troupe,password=troupe-secret]" --add-scram "SCRAM-SHA-512=[name=guest,password=guest-secret]")
  fi
  for ((i = 1; i <= n; ++i)); do
    voters+=${voters:+,}$i@127.0.0.1:${ports[4 * i - 3]}
  done
  for ((i = 1; i <= n; ++i)); do
    mkdir -p "$run/$i"
    echo "127.0.0.1:${ports[4 * i - 4]}" >"$run/$i/address"
    if [ -n "$secure" ]; then
      echo "127.0.0.1:${ports[4 * i - 2]}" >"$run/$i/secure"
      echo "127.0.0.1:${ports[4 * i - 1]}" >"$run/$i/tls"
      secure_listeners=",SASL_SSL://$(cat "$run/$i/secure"),SSL://$(cat "$run/$i/tls")"
    fi
    cat >"$run/$i/server.properties" <<EOF
node.id=$i
process.roles=broker,controller
listeners=PLAINTEXT://127.0.0.1:${ports[4 * i - 4]},CONTROLLER://127.0.0.1:${ports[4 * i - 3]}$secure_listeners
controller.listener.names=CONTROLLER
controller.quorum.voters=$voters
log.dirs=$run/$i/data
num.partitions=1
auto.create.topics.enable=false
default.replication.factor=$((n < 3 ? n : 3))
min.insync.replicas=$((n < 3 ? 1 : 2))
offsets.topic.replication.factor=$((n < 3 ? n : 3))
transaction.state.log.replication.factor=$((n < 3 ? n : 3))
transaction.state.log.min.isr=$((n < 3 ? 1 : 2))
group.initial.rebalance.delay.ms=0
$([ -z "$secure" ] || secure_settings)
${TROUPE_KAFKA_SETTINGS:-}
EOF
  done
  # 16 random bytes in base64 without padding are a cluster's id.
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=')
  for ((i = 1; i <= n; ++i)); do
    (java_of "$i" kafka.tools.StorageTool format -t "$id" -c "$run/$i/server.properties" "${with[@]}") \
      >"$run/$i/format.log" 2>&1 ||
      { cat "$run/$i/format.log" >&2; return 1; }
  done
}

brokers() { find "$run" -mindepth 2 -maxdepth 2 -name server.properties -printf '%h\n' 2>/dev/null | xargs -rn1 basename | sort -n; }
pid_of() { cat "$run/$1/pid" 2>/dev/null || true; }
# A killed broker whose parent has gone may stay as a zombie.
runs() {
  local pid state
  pid=$(pid_of "$1")
  [ -n "$pid" ] && state=$(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null) && [ "$state" != Z ]
}

start_broker() {
  runs "$1" && return 0
  java_of "$1" kafka.Kafka "$run/$1/server.properties" >>"$run/$1/log" 2>&1 9>&- &
  echo $! >"$run/$1/pid"
}

listens() { (exec 3<>"/dev/tcp/${1%:*}/${1#*:}") 2>/dev/null; }

wait_for_all() {
  local i deadline=$((SECONDS + 60))
  for i in $(brokers); do
    until listens "$(cat "$run/$i/address")"; do
      if ! runs "$i" || [ $SECONDS -ge $deadline ]; then
        echo "kafka.sh: broker $i does not come up:" >&2
        tail -n 20 "$run/$i/log" >&2
        return 1
      fi
      sleep 0.1
    done
  done
}

case ${1:-} in
  install) install_kafka ;;
  start)
    install_kafka
    [ -n "$(brokers)" ] || lay_out "${2:-1}" "${3:-}"
    for i in $(brokers); do start_broker "$i"; done
    wait_for_all
    for i in $(brokers); do cat "$run/$i/address"; done | paste -sd,
    ;;
  kill) runs "${2:?the broker\'s number}" && kill -9 "$(pid_of "$2")" ;;
  stop)
    for i in $(brokers); do runs "$i" && kill "$(pid_of "$i")" 2>/dev/null; done
    for i in $(brokers); do
      for ((t = 0; t < 100; ++t)); do runs "$i" || break; sleep 0.1; done
      runs "$i" && kill -9 "$(pid_of "$i")"
    done
    rm -rf "$run"
    ;;
  status)
    for i in $(brokers); do
      echo "$i $(cat "$run/$i/address") $(runs "$i" && echo "runs, pid $(pid_of "$i")" || echo "does not run")"
    done
    ;;
  *)
    sed -n '3,7p' "$0" | sed 's/^# //' >&2
    exit 2
    ;;
esac
