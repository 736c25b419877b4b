#include "pipeline/federate/federate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace troupe::federate {

namespace {

bool legacy_char(char c, bool first, bool metric) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (metric && c == ':') ||
         (!first && c >= '0' && c <= '9');
}

bool legacy_name(std::string_view name, bool metric) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (!legacy_char(name[i], i == 0, metric))
      return false;
  }
  return !name.empty();
}

/// One '_' for every character that is not allowed ("underscores" in the content type).
std::string underscores(std::string_view name, bool metric) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if ((static_cast<unsigned char>(name[i]) & 0xc0) == 0x80)
      continue;  // a later byte of a character
    out.push_back(legacy_char(name[i], i == 0, metric) ? name[i] : '_');
  }
  return out;
}

void append_escaped(std::string& out, std::string_view text) {
  for (char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '"')
      out += "\\\"";
    else if (c == '\n')
      out += "\\n";
    else
      out.push_back(c);
  }
}

void append_value(std::string& out, double v) {
  if (std::isnan(v)) {
    out += "NaN";
  } else if (std::isinf(v)) {
    out += v > 0 ? "+Inf" : "-Inf";
  } else {
    char buf[32];
    auto end = std::to_chars(buf, buf + sizeof buf, v).ptr;
    out.append(buf, end);
  }
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
  if (legacy_name(name, metric))
    return std::string(name);
  if (!utf8_names_)
    return underscores(name, metric);
  std::string out = "\"";
  append_escaped(out, name);
  return out + "\"";
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
  append_value(out, l.value);
  out += fmt::format(" {}\n", l.ts);
}

}  // namespace troupe::federate
