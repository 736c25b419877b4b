#include "pipeline/federate/federate.h"

#include "pipeline/parse/exposition_text.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace troupe::federate {

namespace {

/// One '_' for every character that is not allowed ("underscores" in the content type).
std::string underscores(std::string_view name, bool metric) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if ((static_cast<unsigned char>(name[i]) & 0xc0) == 0x80)
      continue;  // a later byte of a character
    const std::string_view one = name.substr(i, 1);
    // A digit is allowed behind the first character.
    const bool allowed =
        parse::is_legacy_name(one, metric) || (i > 0 && one[0] >= '0' && one[0] <= '9');
    out.push_back(allowed ? name[i] : '_');
  }
  return out;
}

}  // namespace

result<std::unique_ptr<federation>> federation::open(storage::queryable& data,
                                                     const federate_request& request) {
  // Left-open, as instant selectors: a sample exactly lookback old is too old.
  timestamp_ms mint = request.now - request.lookback_ms + 1;
  TROUPE_ASSIGN(auto q, data.open("", mint, request.now));
  auto f = std::make_unique<federation>();
  f->external_labels_ = request.external_labels;
  f->utf8_names_ = request.utf8_names;
  std::set<labels> seen;
  storage::sample_columns columns;
  for (const auto& ms : request.selectors) {
    TROUPE_ASSIGN(auto set, q->select({mint, request.now, 0, 0, "", 0}, ms));
    while (set->next()) {
      std::string_view name = set->series().metric_name();
      if (name.empty() || !seen.insert(set->series()).second)
        continue;
      columns.clear();
      TROUPE_TRY(set->read(mint, request.now, columns));
      if (columns.ts.empty() || is_stale(columns.values.back()))
        continue;
      if (!columns.histograms.empty() && columns.histograms.back().ts > columns.ts.back())
        continue;
      f->bytes_ += 2 * sizeof(line) + set->series().heap_bytes();
      f->by_metric_[f->written(name, true)].push_back(
          {set->series(), columns.values.back(), columns.ts.back()});
    }
    TROUPE_TRY(set->error());
  }
  for (auto& [family, m] : data.metadata_of("", "", 0))
    f->types_.emplace(f->written(family, true), m.type);
  return f;
}

bool federation::next(std::string& out) {
  if (by_metric_.empty())
    return false;
  auto node = by_metric_.extract(by_metric_.begin());
  const std::string& name = node.key();
  // Only counters, gauges and untyped are told by type: the samples of histograms and summaries
  // come as single series.
  auto type = types_.find(name);
  bool plain = type != types_.end() &&
               (type->second == metric_type::counter || type->second == metric_type::gauge);
  out += "# TYPE " + name + " ";
  out += plain ? to_string(type->second) : std::string_view("untyped");
  out += '\n';
  for (const line& l : node.mapped())
    append_line(out, name, l);
  return !by_metric_.empty();
}

std::string federation::written(std::string_view name, bool metric) const {
  if (!utf8_names_ && !parse::is_legacy_name(name, metric))
    return underscores(name, metric);
  std::string out;
  parse::append_name(out, name, metric);
  return out;
}

void federation::append_line(std::string& out, std::string_view name, const line& l) const {
  // A quoted name stands inside the braces.
  bool open = name.starts_with('"');
  if (open)
    out += '{';
  out += name;
  auto pair = [&](std::string_view k, std::string_view v) {
    out += open ? ',' : '{';
    open = true;
    out += written(k, false);
    out += "=\"";
    append_escaped(out, v);
    out += '"';
  };
  bool has_instance = false;
  labels_builder all(l.series);
  for (const auto& [k, v] : external_labels_) {
    if (!l.series.has(k))
      all.set(k, v);
  }
  for (const auto& [k, v] : all.pairs()) {
    if (k == metric_name_label)
      continue;
    has_instance = has_instance || k == "instance";
    pair(k, v);
  }
  // An empty instance label keeps the scraping side (honor_labels) from putting its own.
  if (!has_instance)
    pair("instance", "");
  out += "} ";
  parse::append_value(out, l.value);
  out += fmt::format(" {}\n", l.ts);
}

}  // namespace troupe::federate
