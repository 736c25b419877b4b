#include "pipeline/jsonlines/export.h"

#include "query/parser/json_fields.h"
#include "query/parser/number_text.h"

#include <algorithm>
#include <cmath>

namespace troupe::jsonlines {

namespace {

/// So much of a series is read at a time.
constexpr timestamp_ms span_ms = 90LL * 24 * 3600 * 1000;
/// A piece of the answer is about so large.
constexpr size_t piece_bytes = 64u << 10;

void append_value(std::string& out, double v) {
  if (is_stale(v))
    out += "null";
  else if (std::isnan(v))
    out += "\"NaN\"";
  else if (std::isinf(v))
    out += v > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  else
    query::append_sample(out, v);
}

}  // namespace

result<std::unique_ptr<exporter>> exporter::open(storage::queryable& data, export_request request) {
  TROUPE_ASSIGN(auto from, data.open("", request.start, request.end));
  return std::unique_ptr<exporter>(new exporter(std::move(from), std::move(request)));
}

bool exporter::was_exported(const labels& series) const {
  return std::any_of(request_.selectors.begin(),
                     request_.selectors.begin() + static_cast<std::ptrdiff_t>(selector_) - 1,
                     [&](const matchers& ms) { return matches_all(ms, series); });
}

/// Moves to the next series that no earlier selector had.
bool exporter::next_series() {
  for (;;) {
    while (set_ && set_->next()) {
      if (was_exported(set_->series()))
        continue;
      metric_.clear();
      query::append_json_pairs(metric_, "metric", set_->series());
      at_ = request_.start;
      return true;
    }
    if (set_ && !set_->error().ok())
      error_ = set_->error();
    set_.reset();
    if (!error_.ok() || selector_ == request_.selectors.size())
      return false;
    storage::select_hints hints;
    hints.start = request_.start;
    hints.end = request_.end;
    auto selected = querier_->select(hints, request_.selectors[selector_++]);
    if (!selected.ok())
      error_ = selected.error();
    else
      set_ = std::move(*selected);
  }
}

void exporter::append_line(std::string& out, size_t from, size_t to) const {
  out.append("{").append(metric_).append(",\"values\":[");
  for (size_t i = from; i < to; ++i) {
    out += i == from ? "" : ",";
    append_value(out, columns_.values[i]);
  }
  out += "],\"timestamps\":[";
  for (size_t i = from; i < to; ++i)
    out.append(i == from ? "" : ",").append(std::to_string(columns_.ts[i]));
  out += "]}\n";
}

void exporter::append_lines(std::string& out) const {
  const size_t count = columns_.ts.size();
  const size_t rows = request_.max_rows_per_line != 0 ? request_.max_rows_per_line : count;
  for (size_t from = 0; from < count; from += rows)
    append_line(out, from, std::min(from + rows, count));
}

bool exporter::end(std::string& out) const {
  if (!error_.ok()) {
    out += "{";
    query::append_json_text(out, "error", error_.message());
    out += "}\n";
  }
  return false;
}

bool exporter::next(std::string& out) {
  const size_t before = out.size();
  while (out.size() - before < piece_bytes) {
    if (!in_series_ && !next_series())
      return end(out);
    columns_.clear();
    const timestamp_ms last = request_.end - at_ > span_ms ? at_ + span_ms - 1 : request_.end;
    error_ = set_->read(at_, last, columns_);
    if (!error_.ok())
      return end(out);
    append_lines(out);
    in_series_ = last < request_.end;
    at_ = last + 1;
  }
  return true;
}

}  // namespace troupe::jsonlines
