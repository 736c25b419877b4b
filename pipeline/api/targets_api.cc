// /api/v1/targets, targets/metadata, scrape_pools.
#include "pipeline/api/handlers.h"
#include "pipeline/api/params.h"
#include "pipeline/api/respond.h"
#include "pipeline/discover/target_set.h"
#include "pipeline/scrape/scrape_pool.h"
#include "query/parser/parser.h"
#include "query/result_json.h"
#include "storage/base/civil_time.h"
#include "storage/base/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace troupe::api {

namespace {

/// Every actor's targets, by pool, then URL.
std::vector<const scrape::target_status*> active_targets(const inputs& in, std::string_view pool) {
  std::vector<const scrape::target_status*> all;
  for (const auto& p : in.pools) {
    if (!p)
      continue;
    for (const auto& t : p->targets) {
      if (pool.empty() || t.pool == pool)
        all.push_back(&t);
    }
  }
  std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
    return std::tie(a->pool, a->target->url, a->target->id) <
           std::tie(b->pool, b->target->url, b->target->id);
  });
  return all;
}

void field(std::string& out, std::string_view key, std::string_view text) {
  out += ",\"";
  out += key;
  out += "\":";
  append_json_string(out, text);
}

/// "http://host:port/path" in parts; the port without its colon.
struct url_parts {
  std::string_view scheme, host, port, rest;

  explicit url_parts(std::string_view url) {
    const size_t at = url.find("://");
    scheme = url.substr(0, at == std::string_view::npos ? 0 : at);
    rest = url.substr(at == std::string_view::npos ? 0 : at + 3);
    host = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(host.size());
    const size_t colon = host.rfind(':');
    if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos)
      return;
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
};

/// A loopback host means nothing to who reads the answer elsewhere: the host of the external URL
/// takes its place, and on our own port (which is ourselves) its port and scheme, too. As
/// Prometheus.
std::string global_url(const services& s, std::string_view url) {
  const url_parts u(url), external(s.external_url);
  const bool loopback = u.host == "127.0.0.1" || u.host == "localhost" || u.host == "[::1]";
  if (!loopback || u.port.empty())
    return std::string(url);
  if (u.port != s.listen_port)
    return external.port.empty()
               ? std::string(url)
               : fmt::format("{}://{}:{}{}", u.scheme, external.host, u.port, u.rest);
  return fmt::format("{}://{}{}{}{}", external.scheme, external.host,
                     external.port.empty() ? "" : ":", external.port, u.rest);
}

void append_active(std::string& out, const scrape::target_status& t, const services& s) {
  out += "{\"discoveredLabels\":";
  query::append_labels_json(out, t.target->discovered);
  out += ",\"labels\":";
  query::append_labels_json(out, t.target->public_labels);
  field(out, "scrapePool", t.pool);
  field(out, "scrapeUrl", t.target->url);
  field(out, "globalUrl", global_url(s, t.target->url));
  field(out, "lastError", t.last_error);
  field(out, "lastScrape",
        t.last_scrape_ms ? format_rfc3339(t.last_scrape_ms) : "0001-01-01T00:00:00Z");
  out += fmt::format(",\"lastScrapeDuration\":{}", static_cast<double>(t.last_duration_ns) / 1e9);
  field(out, "health", to_string(t.health));
  field(out, "scrapeInterval", format_duration(t.target->interval_ms));
  field(out, "scrapeTimeout", format_duration(t.target->timeout_ms));
  out += "}";
}

void append_dropped(std::string& list, std::string& counts, const inputs& in,
                    std::string_view pool) {
  if (!in.discovery)
    return;
  for (const auto& p : in.discovery->pools) {
    if (!counts.empty())
      counts += ",";
    append_json_string(counts, p.name);
    counts += fmt::format(":{}", p.dropped_count);
    if (!pool.empty() && p.name != pool)
      continue;
    for (const auto& d : p.dropped) {
      list += !list.empty() ? ",{\"discoveredLabels\":" : "{\"discoveredLabels\":";
      query::append_labels_json(list, d);
      field(list, "scrapePool", p.name);
      list += "}";
    }
  }
}

}  // namespace

answer handle_targets(const services& s, const http::request& r, const inputs& in) {
  std::string state(r.param("state").value_or(""));
  for (char& c : state)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
  auto pool = r.param("scrapePool").value_or("");
  bool both = state.empty() || state == "any";
  bool active = both || state == "active", dropped = both || state == "dropped";
  std::string data = "{\"activeTargets\":[";
  if (active) {
    bool first = true;
    for (const auto* t : active_targets(in, pool)) {
      if (!first)
        data += ",";
      first = false;
      append_active(data, *t, s);
    }
  }
  std::string list, counts;
  if (dropped)
    append_dropped(list, counts, in, pool);
  data += "],\"droppedTargets\":[" + list +
          "],\"droppedTargetCounts\":" + (dropped ? "{" + counts + "}" : "null") + "}";
  return success(std::move(data));
}

answer handle_scrape_pools(const services&, const http::request&, const inputs& in) {
  std::vector<std::string> names;
  if (in.discovery) {
    for (const auto& p : in.discovery->pools)
      names.push_back(p.name);
  }
  std::sort(names.begin(), names.end());
  return success("{\"scrapePools\":" + json_array(names) + "}");
}

answer handle_targets_metadata(const services& s, const http::request& r, const inputs& in) {
  auto limit = limit_param(r);
  if (!limit.ok())
    return bad_data(limit.error().message());
  matchers selector;
  if (auto text = r.param("match_target"); text && !text->empty()) {
    auto ms = query::parse_metric_selector(*text);
    if (!ms.ok())
      return bad_data(ms.error().message());
    selector = std::move(*ms);
  }
  auto wanted = r.param("metric").value_or("");
  auto families = s.data->metadata_of("", wanted, 0);
  std::string data = "[";
  size_t n = 0;
  for (const auto* t : active_targets(in, "")) {
    if (!matches_all(selector, t->target->public_labels))
      continue;
    // A family belongs to a target that has a series of that name.
    auto q = s.data->open("", s.clk->now_ms() - s.lookback_ms, s.clk->now_ms());
    if (!q.ok())
      return failure(q.error());
    matchers of_target;
    for (const auto& l : t->target->public_labels)
      of_target.push_back(matcher::equal(std::string(l.name), std::string(l.value)));
    auto names = (*q)->label_values(metric_name_label, of_target, 0);
    if (!names.ok())
      return failure(names.error());
    std::set<std::string> present(names->begin(), names->end());
    for (const auto& [family, m] : families) {
      bool here = present.contains(family) || present.contains(family + "_bucket") ||
                  present.contains(family + "_sum");
      if (!here || (*limit && n >= *limit))
        continue;
      data += n++ ? ",{\"target\":" : "{\"target\":";
      query::append_labels_json(data, t->target->public_labels);
      if (wanted.empty())
        field(data, "metric", family);
      field(data, "type", to_string(m.type));
      field(data, "help", m.help);
      field(data, "unit", m.unit);
      data += "}";
    }
  }
  return success(data + "]");
}

}  // namespace troupe::api
