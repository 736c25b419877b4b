#include "actors/spawn.h"

#include <charconv>

namespace troupe::actors {

namespace {

/// "scrape-3" → ("scrape", 3); a name without a number has 0.
std::pair<std::string_view, size_t> split_name(std::string_view name) {
  size_t dash = name.rfind('-');
  size_t index = 0;
  if (dash == std::string_view::npos)
    return {name, 0};
  std::from_chars(name.data() + dash + 1, name.data() + name.size(), index);
  return {name.substr(0, dash), index};
}

template <class Handle>
void put(std::vector<Handle>& list, size_t index, const caf::actor& handle) {
  if (list.size() <= index)
    list.resize(index + 1);
  list[index] = caf::actor_cast<Handle>(handle);
}

}  // namespace

bool adopt_handle(links& all, const std::string& name, const caf::actor& handle) {
  auto [kind, index] = split_name(name);
  if (kind == "ingest")
    put(all.ingest, index, handle);
  else if (kind == "router")
    all.router = caf::actor_cast<router_actor>(handle);
  else if (kind == "receive")
    put(all.receive, index, handle);
  else if (kind == "query")
    put(all.query, index, handle);
  else if (kind == "maintenance")
    all.maintenance = caf::actor_cast<maintenance_actor>(handle);
  else if (kind == "scrape")
    put(all.scrape, index, handle);
  else if (kind == "rules")
    put(all.rules, index, handle);
  else if (kind == "discovery")
    all.discovery = caf::actor_cast<discovery_actor>(handle);
  else if (kind == "http")
    all.http = caf::actor_cast<http_actor>(handle);
  else if (kind == "config")
    all.config = caf::actor_cast<config_actor>(handle);
  else if (kind == "log")
    all.log = caf::actor_cast<log_actor>(handle);
  else if (kind == "notify")
    all.notify = caf::actor_cast<notify_actor>(handle);
  else if (kind == "send")
    all.send = caf::actor_cast<send_actor>(handle);
  else if (kind == "federation")
    all.federation = caf::actor_cast<federation_actor>(handle);
  else if (kind == "feed")
    all.feed = caf::actor_cast<feed_actor>(handle);
  else if (kind == "publish")
    all.publish = caf::actor_cast<publish_actor>(handle);
  else if (kind == "consume")
    all.consume = caf::actor_cast<consume_actor>(handle);
  else if (kind == "aggregate")
    all.aggregate = caf::actor_cast<aggregate_actor>(handle);
  else if (kind == "audit")
    all.audit = caf::actor_cast<audit_actor>(handle);
  else
    return false;
  return true;
}

}  // namespace troupe::actors
