// /api/v1/series, labels, label/<name>/values, metadata.
#include "pipeline/api/handlers.h"
#include "pipeline/api/params.h"
#include "pipeline/api/query_source.h"
#include "pipeline/api/respond.h"
#include "query/result_json.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace troupe::api {

namespace {

/// start, end, match[] and limit, which these routes share.
struct lookup {
  timestamp_ms start = min_time, end = max_time;
  std::vector<matchers> selectors;
  size_t limit = 0;
};

result<lookup> lookup_of(const http::request& r) {
  lookup l;
  TROUPE_ASSIGN(l.limit, limit_param(r));
  TROUPE_ASSIGN(l.start, time_param(r, "start", min_time));
  TROUPE_ASSIGN(l.end, time_param(r, "end", max_time));
  TROUPE_ASSIGN(l.selectors, selector_params(r));
  return l;
}

constexpr std::string_view truncated = "results truncated due to limit";

/// These routes have no deadline of their own but the parameter that queries take.
result<query_source> source_of(const services& s, const http::request& r) {
  int64_t timeout_ms = s.query_timeout_ms;
  if (const auto text = r.param("timeout"); text && !text->empty()) {
    const auto d = parse_duration_param(*text);
    if (!d.ok())
      return d.error().with_context("invalid parameter \"timeout\"");
    timeout_ms = std::clamp<int64_t>(*d, 1, s.query_timeout_ms);
  }
  return query_source::of(s, r, timeout_ms);
}

/// Sorted union of what `ask` gives for each selector (or once without one), cut to the limit.
template <class Ask>
http::response string_list(const services& s, const http::request& r, const lookup& l, Ask ask) {
  const auto source = source_of(s, r);
  if (!source.ok())
    return bad_data(source.error().message());
  auto q = (**source).open("", l.start, l.end);
  if (!q.ok())
    return failure(q.error());
  std::vector<matchers> selectors = l.selectors;
  if (selectors.empty())
    selectors.emplace_back();
  size_t ask_limit = l.limit ? l.limit + 1 : 0;
  std::set<std::string> all;
  for (const auto& ms : selectors) {
    auto some = ask(**q, ms, ask_limit);
    if (!some.ok())
      return failure(some.error());
    all.insert(some->begin(), some->end());
  }
  std::vector<std::string> out(all.begin(), all.end());
  auto warnings = (*q)->warnings();
  if (l.limit && out.size() > l.limit) {
    out.resize(l.limit);
    warnings.emplace_back(truncated);
  }
  return success(json_array(out), warnings);
}

}  // namespace

answer handle_series(const services& s, const http::request& r, const inputs&) {
  auto l = lookup_of(r);
  if (!l.ok())
    return bad_data(l.error().message());
  if (l->selectors.empty())
    return bad_data("no match[] parameter provided");
  const auto source = source_of(s, r);
  if (!source.ok())
    return bad_data(source.error().message());
  auto q = (**source).open("", l->start, l->end);
  if (!q.ok())
    return failure(q.error());
  std::set<labels> found;
  storage::select_hints hints{l->start, l->end, 0, 0, "series", l->limit ? l->limit + 1 : 0};
  for (const auto& ms : l->selectors) {
    auto set = (*q)->select(hints, ms);
    if (!set.ok())
      return failure(set.error());
    while ((*set)->next()) {
      if (r.gone && r.gone->load(std::memory_order_relaxed))
        return failure({errc::canceled, "the client has gone"});
      found.insert((*set)->series());
      if (l->limit && found.size() > l->limit)
        break;
    }
    if (auto e = (*set)->error(); !e.ok())
      return failure(e);
  }
  auto warnings = (*q)->warnings();
  if (l->limit && found.size() > l->limit) {
    found.erase(std::prev(found.end()));
    warnings.emplace_back(truncated);
  }
  std::string data = "[";
  for (const auto& series : found) {
    if (data.size() > 1)
      data.push_back(',');
    query::append_labels_json(data, series);
  }
  return success(data + "]", warnings);
}

answer handle_labels(const services& s, const http::request& r, const inputs&) {
  auto l = lookup_of(r);
  if (!l.ok())
    return bad_data(l.error().message());
  return string_list(s, r, *l, [](storage::querier& q, const matchers& ms, size_t limit) {
    return q.label_names(ms, limit);
  });
}

answer handle_label_values(const services& s, const http::request& r, const inputs&) {
  constexpr std::string_view before = "/api/v1/label/", after = "/values";
  std::string name = unescape_label_name(
      std::string_view(r.path).substr(before.size(), r.path.size() - before.size() - after.size()));
  if (name.empty() || !is_valid_utf8(name))
    return bad_data("invalid label name: " + quoted(name));
  auto l = lookup_of(r);
  if (!l.ok())
    return bad_data(l.error().message());
  return string_list(s, r, *l, [&](storage::querier& q, const matchers& ms, size_t limit) {
    return q.label_values(name, ms, limit);
  });
}

answer handle_metadata(const services& s, const http::request& r, const inputs&) {
  // Here 0 means none, unlike elsewhere.
  auto cap = [&](std::string_view name, int64_t& out) {
    auto text = r.param(name).value_or("");
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return text.empty() || (ec == std::errc() && end == text.data() + text.size());
  };
  int64_t limit = -1, per_metric = -1;
  if (!cap("limit", limit))
    return bad_data("limit must be a number");
  if (!cap("limit_per_metric", per_metric))
    return bad_data("limit_per_metric must be a number");
  std::map<std::string, std::vector<metadata>> families;
  for (auto& [family, m] : s.data->metadata_of("", r.param("metric").value_or(""), 0)) {
    auto it = families.find(family);
    if (it == families.end()) {
      if (limit >= 0 && families.size() >= static_cast<size_t>(limit))
        continue;
      it = families.emplace(family, std::vector<metadata>()).first;
    }
    if (per_metric <= 0 || it->second.size() < static_cast<size_t>(per_metric))
      it->second.push_back(std::move(m));
  }
  std::string data = "{";
  for (const auto& [family, list] : families) {
    if (data.size() > 1)
      data.push_back(',');
    append_json_string(data, family);
    data += ":[";
    for (size_t i = 0; i < list.size(); ++i) {
      data += fmt::format("{}{{\"type\":\"{}\",\"help\":", i ? "," : "", to_string(list[i].type));
      append_json_string(data, list[i].help);
      data += ",\"unit\":";
      append_json_string(data, list[i].unit);
      data += "}";
    }
    data += "]";
  }
  return success(data + "}");
}

}  // namespace troupe::api
