#include "pipeline/transfer/openmetrics_writer.h"

#include "pipeline/parse/exposition_text.h"

#include <fmt/format.h>

#include <charconv>

namespace troupe::transfer {
namespace {

using parse::append_value;

void append_exemplar(std::string& out, const exemplar& e) {
  out += " # ";
  std::string text;
  parse::append_series(text, e.lset);
  out += text.empty() ? "{}" : text;
  out += ' ';
  append_value(out, e.value);
  if (e.ts != 0) {
    out += ' ';
    append_seconds(out, e.ts);
  }
}

template <class T, class Append>
void append_list(std::string& out, const char* name, const std::vector<T>& list,
                 const Append& append) {
  if (list.empty())
    return;
  out += name;
  char before = '[';
  for (const T& item : list) {
    out += before;
    append(item);
    before = ',';
  }
  out += ']';
}

}  // namespace

void append_seconds(std::string& out, timestamp_ms ts) {
  const uint64_t whole = ts < 0 ? 0 - static_cast<uint64_t>(ts) : static_cast<uint64_t>(ts);
  const size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{}{}.{:03}", ts < 0 ? "-" : "", whole / 1000,
                 whole % 1000);
  double seconds = 0;
  std::from_chars(out.data() + begin, out.data() + out.size(), seconds);
  if (static_cast<double>(ts) != static_cast<double>(static_cast<int64_t>(seconds * 1000)))
    out += '1';
}

void append_histogram(std::string& out, const histogram& h) {
  const auto number = [&](double v) { append_value(out, v); };
  const auto span = [&](const histogram_span& s) {
    fmt::format_to(std::back_inserter(out), "{}:{}", s.offset, s.length);
  };
  out += "{count:";
  number(h.count);
  out += ",sum:";
  number(h.sum);
  out += fmt::format(",schema:{},zero_threshold:", h.schema);
  number(h.zero_threshold);
  out += ",zero_count:";
  number(h.zero_count);
  append_list(out, ",negative_spans:", h.negative_spans, span);
  append_list(out, ",negative_buckets:", h.negative_buckets, number);
  append_list(out, ",positive_spans:", h.positive_spans, span);
  append_list(out, ",positive_buckets:", h.positive_buckets, number);
  append_list(out, ",custom_values:", h.custom_bounds, number);
  out += '}';
}

void openmetrics_writer::add(std::string& out, const labels& series,
                             const storage::sample_columns& samples,
                             std::span<const exemplar> exemplars) {
  name_.clear();
  parse::append_series(name_, series);
  name_ += ' ';
  size_t f = 0, h = 0, e = 0;
  while (f < samples.ts.size() || h < samples.histograms.size()) {
    const bool is_float = h == samples.histograms.size() ||
                          (f < samples.ts.size() && samples.ts[f] < samples.histograms[h].ts);
    const timestamp_ms ts = is_float ? samples.ts[f] : samples.histograms[h].ts;
    const double value = is_float ? samples.values[f] : 0;
    const histogram* hist = is_float ? nullptr : samples.histograms[h].value.get();
    ++(is_float ? f : h);
    if (is_float ? is_stale(value) : hist->is_stale()) {
      ++stale_markers_;
      continue;
    }
    if (hist != nullptr && !composite_) {
      ++histograms_;
      continue;
    }
    ++samples_;
    out += name_;
    if (hist != nullptr)
      append_histogram(out, *hist);
    else
      append_value(out, value);
    out += ' ';
    append_seconds(out, ts);
    if (e < exemplars.size() && exemplars[e].ts <= ts)
      append_exemplar(out, exemplars[e++]);
    out += '\n';
  }
}

}  // namespace troupe::transfer
