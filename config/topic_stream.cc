#include "config/topic_stream.h"

#include "config/text.h"
#include "storage/base/hash.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace troupe::config {
namespace {

constexpr std::string_view scheme = "kafka://";
constexpr std::string_view name_prefix = "remote_write-";

constexpr std::array<std::string_view, 6> acting{"url",
                                                 "name",
                                                 "write_relabel_configs",
                                                 "protobuf_message",
                                                 "send_exemplars",
                                                 "send_native_histograms"};
constexpr std::array<std::string_view, 5> tuning{
    "remote_timeout", "metadata_config", "round_robin_dns", "enable_http2", "follow_redirects"};
/// The one of queue_config that acts.
constexpr std::string_view age_limit = "sample_age_limit";

template <class C>
bool has(const C& all, std::string_view name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

// host:port, where an IPv6 address has brackets.
bool is_broker(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
    return false;
  const auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  return port.find_first_not_of("0123456789") == std::string_view::npos &&
         (host.find(':') == std::string_view::npos || (host.front() == '[' && host.back() == ']'));
}

std::string authority_of(std::string_view url) {
  url.remove_prefix(scheme.size());
  return std::string(url.substr(0, url.find('/')));
}

// Names files and holds of its publication, so it must be one that can.
std::string stream_name(const remote_write_config& c) {
  constexpr size_t most_bytes = 60;
  if (c.name.size() <= most_bytes && is_topic_name(c.name))
    return std::string(name_prefix) + c.name;
  return fmt::format("{}{:016x}", name_prefix, xxh3(c.name.empty() ? c.url : "name " + c.name));
}

topic_stream stream_of(const remote_write_config& c, const own_config& own) {
  const topic_url url = *parse_topic_url(c.url);
  topic_stream out;
  out.to.name = stream_name(c);
  out.to.kafka = authority_of(c.url);
  out.to.topic = url.topic;
  out.to.format = c.protobuf_message == remote_write_config().protobuf_message
                      ? record_format::remote_write
                      : record_format::remote_write_2;
  out.cluster.name = out.to.kafka;
  out.cluster.brokers = url.brokers;
  for (const auto& k : own.kafka)
    if (k.name == url.cluster)
      out.cluster = k;
  out.of_remote_write = true;
  out.relabelling = c.write_relabel_configs;
  out.histograms = c.send_native_histograms;
  out.exemplars = c.send_exemplars;
  out.age_limit_ms = c.queue.sample_age_limit_ms;
  return out;
}

// Of one block of remote_write.
void check_keys(const yaml_node& block, const std::string& path, const std::string& file,
                diagnostics& refused, std::vector<std::string>& told) {
  const auto tell = [&](const yaml_member& m, const std::string& field) {
    told.push_back(fmt::format("{} has no effect on a topic of Kafka ({}:{}:{})", field, file,
                               m.line, m.column));
  };
  for (const auto& m : block.members) {
    const auto field = child_path(path, m.key);
    if (m.key == "queue_config") {
      for (const auto& inner : m.value.members)
        if (inner.key != age_limit)
          tell(inner, child_path(field, inner.key));
    } else if (has(tuning, m.key)) {
      tell(m, field);
    } else if (!has(acting, m.key)) {
      refused.push_back({"", 0, 0, field,
                         "means nothing for a topic of Kafka: TLS and credentials are those of the "
                         "cluster under kafka"});
    }
  }
}

}  // namespace

std::vector<std::string> split_brokers(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool is_topic_url(std::string_view url) {
  return lower(url.substr(0, scheme.size())) == scheme;
}

bool is_topic_name(std::string_view name) {
  constexpr size_t most_bytes = 249;
  return !name.empty() && name.size() <= most_bytes && name != "." && name != ".." &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

result<topic_url> parse_topic_url(std::string_view url) {
  if (!is_topic_url(url))
    return {errc::invalid_argument, "must be kafka://CLUSTER/TOPIC"};
  url.remove_prefix(scheme.size());
  const auto slash = url.find('/');
  topic_url out;
  const std::string_view authority = url.substr(0, slash);
  if (slash != std::string_view::npos)
    out.topic = url.substr(slash + 1);
  if (!is_topic_name(out.topic))
    return {errc::invalid_argument,
            "must be kafka://CLUSTER/TOPIC, the topic at most 249 of a-z A-Z 0-9 - _ ."};
  if (authority.find('@') != std::string_view::npos)
    return {errc::invalid_argument,
            "must not hold credentials: they are those of the cluster under kafka"};
  if (authority.empty())
    return {errc::invalid_argument, "the cluster is missing"};
  if (authority.find_first_of(":,") == std::string_view::npos) {
    out.cluster = authority;
    return out;
  }
  out.brokers = split_brokers(authority);
  for (const auto& b : out.brokers)
    if (!is_broker(b))
      return {errc::invalid_argument, "brokers must be host:port[,host:port]"};
  return out;
}

std::vector<topic_stream> topic_streams(const config& c) {
  std::vector<topic_stream> out;
  for (const auto& p : c.own.publish) {
    topic_stream s;
    s.to = p;
    for (const auto& k : c.own.kafka)
      if (k.name == p.kafka)
        s.cluster = k;
    out.push_back(std::move(s));
  }
  for (const auto& r : c.remote_write)
    if (is_topic_url(r.url))
      out.push_back(stream_of(r, c.own));
  return out;
}

void check_topic_urls(const config& c, bool clusters_known, diagnostics& out) {
  std::map<std::pair<std::string, std::string>, std::string> writers;
  std::vector<std::string> names;
  for (const auto& p : c.own.publish) {
    writers.emplace(std::pair(p.kafka, p.topic), "the block " + quoted(p.name) + " of publish");
    names.push_back(p.name);
  }
  for (size_t i = 0; i < c.remote_write.size(); ++i) {
    const auto url = parse_topic_url(c.remote_write[i].url);
    if (!url.ok())
      continue;
    const auto path = item_path("remote_write", i);
    const auto refuse = [&](std::string_view key, std::string why) {
      out.push_back({"", 0, 0, child_path(path, key), std::move(why)});
    };
    const auto stream = stream_of(c.remote_write[i], c.own);
    if (clusters_known && stream.cluster.brokers.empty())
      refuse("url", "there is no cluster " + quoted(url->cluster) +
                        " under kafka in --troupe.config.file");
    const auto [first, fresh] = writers.emplace(std::pair(stream.to.kafka, stream.to.topic), path);
    if (!fresh)
      refuse("url", first->second + " writes into this topic already");
    else if (has(names, stream.to.name))
      refuse("name", quoted(stream.to.name) + " is the name of a block of publish");
    names.push_back(stream.to.name);
  }
}

void check_topic_keys(const yaml_node& root, const std::string& file, diagnostics& refused,
                      std::vector<std::string>& told) {
  const yaml_node* blocks = root.find("remote_write");
  for (size_t i = 0; blocks != nullptr && i < blocks->items.size(); ++i) {
    const yaml_node* url = blocks->items[i].find("url");
    if (url != nullptr && is_topic_url(url->text))
      check_keys(blocks->items[i], item_path("remote_write", i), file, refused, told);
  }
}

}  // namespace troupe::config
