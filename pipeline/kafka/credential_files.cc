#include "pipeline/kafka/credential_files.h"

#include "storage/base/hash.h"
#include "storage/base/log.h"

#include <utility>

namespace troupe::kafka {
namespace {

const logger kafka_log("kafka");

constexpr uint64_t max_file_bytes = 1 << 20;
constexpr int64_t look_every_ns = 5'000'000'000;

}  // namespace

credential_files::contents credential_files::read(const config::kafka_config& cluster) const {
  contents out;
  const auto& tls = cluster.tls_settings;
  for (const auto* path :
       {&cluster.sasl.password_file, &tls.ca_file, &tls.cert_file, &tls.key_file})
    if (!path->empty())
      if (const auto text = read_file(files_, *path, max_file_bytes); text.ok())
        out[*path] = xxh3(*text);
  return out;
}

std::set<std::string> credential_files::changed(
    const std::vector<config::kafka_config>& clusters) const {
  std::set<std::string> out;
  for (const auto& c : clusters) {
    const auto before = known_.find(c.name);
    if (before == known_.end())
      continue;
    for (const auto& [path, hash] : read(c))
      if (const auto at = before->second.find(path);
          at == before->second.end() || at->second != hash)
        out.insert(c.name);
  }
  return out;
}

std::set<std::string> credential_files::take(const std::vector<config::kafka_config>& clusters) {
  auto out = changed(clusters);
  auto before = std::exchange(known_, {});
  for (const auto& c : clusters) {
    auto now = read(c);
    now.merge(before[c.name]);
    known_[c.name] = std::move(now);
  }
  return out;
}

bool credential_files::look(const std::vector<config::kafka_config>& clusters, int64_t now_ns) {
  if (now_ns < next_look_ns_)
    return false;
  next_look_ns_ = now_ns + look_every_ns;
  const auto renewed = changed(clusters);
  for (const auto& name : renewed)
    kafka_log.info("{}: files of its credentials have changed: connections are made anew", name);
  return !renewed.empty();
}

}  // namespace troupe::kafka
