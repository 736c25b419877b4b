#include "pipeline/kafka/rd_settings.h"

#include "storage/base/quote.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace troupe::kafka {
namespace {

constexpr uint64_t max_file_bytes = 1 << 20;

struct setting {
  const char* key;
  const char* value;
};

// May be changed by the user.
constexpr std::array common_defaults{setting{"client.id", "troupe"},
                                     setting{"socket.keepalive.enable", "true"},
                                     setting{"log_level", "6"}};
constexpr std::array producer_defaults{setting{"linger.ms", "20"},
                                       setting{"queue.buffering.max.kbytes", "65536"},
                                       // What troupe writes is compressed already.
                                       setting{"compression.codec", "none"}};
// Of each partition: its queue is its own, so that one that is not read holds up no other.
constexpr std::array consumer_defaults{setting{"queued.max.messages.kbytes", "4096"},
                                       setting{"fetch.wait.max.ms", "100"}};

// May not be changed: a record's safety stands on them.
constexpr std::array common_fixed{
    // librdkafka's default for producers lets the brokers make a missing topic as they like.
    setting{"allow.auto.create.topics", "false"}};
constexpr std::array producer_fixed{
    setting{"enable.idempotence", "true"}, setting{"acks", "all"},
    setting{"message.timeout.ms", "0"},
    // The bound is in bytes; this one is against what records cost beside them.
    setting{"queue.buffering.max.messages", "500000"}};
constexpr std::array consumer_fixed{
    setting{"enable.auto.commit", "false"}, setting{"enable.auto.offset.store", "false"},
    setting{"auto.offset.reset", "error"}, setting{"check.crcs", "true"},
    // An end that was reached says that the marks of the partition are fresh.
    setting{"enable.partition.eof", "true"}};

// librdkafka warns of settings of the other kind.
constexpr std::array<std::string_view, 8> of_producers{
    "batch.num.messages",         "batch.size", "compression.codec",  "compression.level",
    "queue.buffering.max.kbytes", "linger.ms",  "request.timeout.ms", "retry.backoff.ms"};
constexpr std::array<std::string_view, 7> of_consumers{
    "fetch.error.backoff.ms", "fetch.max.bytes",   "fetch.message.max.bytes",
    "fetch.min.bytes",        "fetch.wait.max.ms", "queued.max.messages.kbytes",
    "queued.min.messages"};

status put(rd_kafka_conf_s* conf, const std::string& key, const std::string& value) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), why.data(), why.size()) ==
      RD_KAFKA_CONF_OK)
    return ok_status();
  return {errc::invalid_argument, key + ": " + why.data()};
}

template <size_t n>
status put_all(rd_kafka_conf_s* conf, const std::array<setting, n>& all) {
  for (const auto& s : all)
    TROUPE_TRY(put(conf, s.key, s.value));
  return ok_status();
}

// A file that librdkafka will read: it would say less of what is wrong with it.
status put_file(rd_kafka_conf_s* conf, const char* key, const std::string& path,
                file_system& files) {
  if (path.empty())
    return ok_status();
  if (auto text = read_file(files, path, max_file_bytes); !text)
    return text.error().with_context(key);
  return put(conf, key, path);
}

// Without the value: it may be a secret.
status put_text(rd_kafka_conf_s* conf, const char* key, const std::string& text) {
  if (text.empty() || put(conf, key, text).ok())
    return ok_status();
  return {errc::invalid_argument, std::string(key) + ": librdkafka refuses it"};
}

status put_tls(rd_kafka_conf_s* conf, const config::tls_config& tls, file_system& files) {
  if (!tls.server_name.empty())
    return {
        errc::invalid_argument,
        "tls_config.server_name cannot be set: brokers are told from each other by their names"};
  if (!tls.min_version.empty() || !tls.max_version.empty())
    return {errc::invalid_argument,
            "tls_config: min_version and max_version cannot be set for Kafka"};
  TROUPE_TRY(put_file(conf, "ssl.ca.location", tls.ca_file, files));
  TROUPE_TRY(put_text(conf, "ssl.ca.pem", tls.ca));
  TROUPE_TRY(put_file(conf, "ssl.certificate.location", tls.cert_file, files));
  TROUPE_TRY(put_text(conf, "ssl.certificate.pem", tls.cert));
  TROUPE_TRY(put_file(conf, "ssl.key.location", tls.key_file, files));
  TROUPE_TRY(put_text(conf, "ssl.key.pem", tls.key.reveal()));
  if (tls.insecure_skip_verify)
    TROUPE_TRY(put(conf, "enable.ssl.certificate.verification", "false"));
  return ok_status();
}

result<std::string> password_of(const config::kafka_sasl_config& sasl, file_system& files) {
  if (sasl.password_file.empty())
    return sasl.password.reveal();
  auto text = read_file(files, sasl.password_file, max_file_bytes);
  if (!text)
    return text.error().with_context("sasl.password_file");
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r'))
    text->pop_back();
  if (text->empty())
    return {errc::invalid_argument, "sasl.password_file " + sasl.password_file + " is empty"};
  return text;
}

status put_sasl(rd_kafka_conf_s* conf, const config::kafka_sasl_config& sasl, file_system& files) {
  if (sasl.mechanism.empty())
    return ok_status();
  TROUPE_ASSIGN(const std::string password, password_of(sasl, files));
  TROUPE_TRY(put(conf, "sasl.mechanism", sasl.mechanism));
  TROUPE_TRY(put(conf, "sasl.username", sasl.username));
  return put_text(conf, "sasl.password", password);
}

status put_connection(rd_kafka_conf_s* conf, const config::kafka_config& cluster,
                      file_system& files) {
  std::string brokers;
  for (const auto& b : cluster.brokers)
    brokers += (brokers.empty() ? "" : ",") + b;
  TROUPE_TRY(put(conf, "bootstrap.servers", brokers));
  const bool sasl = !cluster.sasl.mechanism.empty();
  TROUPE_TRY(
      put(conf, "security.protocol",
          cluster.tls ? (sasl ? "sasl_ssl" : "ssl") : (sasl ? "sasl_plaintext" : "plaintext")));
  if (cluster.tls)
    TROUPE_TRY(put_tls(conf, cluster.tls_settings, files));
  return put_sasl(conf, cluster.sasl, files);
}

// Those of the other kind are checked only.
status put_settings(rd_kafka_conf_s* conf, rd_kind kind, const config::kafka_config& cluster) {
  const rd_conf checked(rd_kafka_conf_new());
  const auto has = [](const auto& all, std::string_view key) {
    return std::find(all.begin(), all.end(), key) != all.end();
  };
  for (const auto& [key, value] : cluster.settings) {
    const bool mine = kind == rd_kind::producer ? !has(of_consumers, key) : !has(of_producers, key);
    TROUPE_TRY(put(mine ? conf : checked.get(), key, value));
    if (key == "debug")
      TROUPE_TRY(put(conf, "log_level", "7"));
  }
  return ok_status();
}

std::string short_text(const rd_kafka_conf_s& conf, const char* key) {
  std::array<char, 64> text{};
  size_t size = text.size();
  if (rd_kafka_conf_get(&conf, key, text.data(), &size) != RD_KAFKA_CONF_OK)
    return "";
  return text.data();
}

}  // namespace

result<rd_conf> make_rd_conf(rd_kind kind, const config::kafka_config& cluster, file_system& files,
                             bool alone) {
  const auto in_cluster = [&](const status& s) {
    return s.with_context("kafka " + quoted(cluster.name));
  };
  rd_conf conf(rd_kafka_conf_new());
  const bool writes = kind == rd_kind::producer;
  const auto put_everything = [&]() -> status {
    TROUPE_TRY(put_all(conf.get(), common_defaults));
    TROUPE_TRY(writes ? put_all(conf.get(), producer_defaults)
                      : put_all(conf.get(), consumer_defaults));
    TROUPE_TRY(put_connection(conf.get(), cluster, files));
    TROUPE_TRY(put_settings(conf.get(), kind, cluster));
    if (alone)
      TROUPE_TRY(put(conf.get(), "batch.num.messages", "1"));
    TROUPE_TRY(put_all(conf.get(), common_fixed));
    return writes ? put_all(conf.get(), producer_fixed) : put_all(conf.get(), consumer_fixed);
  };
  if (auto s = put_everything(); !s.ok())
    return in_cluster(s);
  return conf;
}

std::string_view refusal_hint(const rd_kafka_conf_s& conf, int version) {
  // Its last message of SCRAM has the client's nonce twice, which brokers overlooked before 4.0.
  constexpr int repaired = 0x02'06'01'ff;
  if (version >= repaired || !short_text(conf, "sasl.mechanism").starts_with("SCRAM"))
    return "";
  return "; brokers of Kafka 4 refuse SCRAM of librdkafka before 2.6.1 whatever the password is: "
         "there PLAIN over TLS is left";
}

uint64_t rd_number(const rd_kafka_conf_s& conf, const char* key) {
  return std::strtoull(short_text(conf, key).c_str(), nullptr, 10);
}

}  // namespace troupe::kafka
