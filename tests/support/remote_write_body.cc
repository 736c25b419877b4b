#include "tests/support/remote_write_body.h"

#include "pipeline/remote/protobuf.h"

#include <snappy.h>

#include <cmath>
#include <map>

namespace troupe::support {
namespace {

using protozero::pbf_writer;

void add_spans(pbf_writer& to, uint32_t field, const std::vector<histogram_span>& spans) {
  for (const auto& s : spans) {
    pbf_writer span(to, field);
    span.add_sint32(1, s.offset);
    span.add_uint32(2, s.length);
  }
}

void add_buckets(pbf_writer& to, uint32_t deltas_field, bool is_float,
                 const std::vector<double>& buckets) {
  if (is_float)
    return to.add_packed_double(deltas_field + 1, buckets.begin(), buckets.end());
  std::vector<int64_t> deltas;
  int64_t last = 0;
  for (const double b : buckets) {
    deltas.push_back(static_cast<int64_t>(b) - last);
    last = static_cast<int64_t>(b);
  }
  to.add_packed_sint64(deltas_field, deltas.begin(), deltas.end());
}

/// The symbols of a request, each text once.
class symbol_table {
 public:
  uint32_t ref(const std::string& text) {
    const auto [at, is_new] = refs_.try_emplace(text, static_cast<uint32_t>(texts_.size()));
    if (is_new)
      texts_.push_back(text);
    return at->second;
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, uint32_t> refs_{{"", 0}};
  std::vector<std::string> texts_{""};
};

void add_time(pbf_writer& to, uint32_t field, timestamp_ms t) {
  if (t != 0)
    to.add_int64(field, t);
}

std::string series_message(const write_v2_series& s, symbol_table& symbols) {
  std::string out;
  pbf_writer m(out);
  std::vector<uint32_t> refs;
  for (const auto& [name, value] : s.lset) {
    refs.push_back(symbols.ref(name));
    refs.push_back(symbols.ref(value));
  }
  m.add_packed_uint32(1, refs.begin(), refs.end());
  for (const auto& p : s.samples) {
    pbf_writer sample(m, 2);
    if (p.value != 0 || std::signbit(p.value))
      sample.add_double(1, p.value);
    add_time(sample, 2, p.ts);
    add_time(sample, 3, p.start);
  }
  for (const auto& h : s.histograms)
    m.add_message(3, histogram_message(h.ts, h.value, h.start));
  for (const auto& e : s.exemplars) {
    refs.clear();
    for (const auto& l : e.lset) {
      refs.push_back(symbols.ref(std::string(l.name)));
      refs.push_back(symbols.ref(std::string(l.value)));
    }
    pbf_writer message(m, 4);
    message.add_packed_uint32(1, refs.begin(), refs.end());
    message.add_double(2, e.value);
    add_time(message, 3, e.ts);
  }
  {
    pbf_writer described(m, 5);
    if (s.described.type != metric_type::unknown)
      described.add_enum(1, static_cast<int>(s.described.type));
    if (!s.described.help.empty())
      described.add_uint32(3, symbols.ref(s.described.help));
    if (!s.described.unit.empty())
      described.add_uint32(4, symbols.ref(s.described.unit));
  }
  add_time(m, 6, s.created);
  return out;
}

}  // namespace

std::string write_request(const std::vector<write_series>& series) {
  std::string out;
  pbf_writer request(out);
  for (const auto& s : series) {
    pbf_writer ts(request, 1);
    for (const auto& l : s.lset) {
      pbf_writer label(ts, 1);
      label.add_string(1, l.name.data(), l.name.size());
      label.add_string(2, l.value.data(), l.value.size());
    }
    for (const auto& p : s.samples) {
      pbf_writer sample(ts, 2);
      sample.add_double(1, p.value);
      sample.add_int64(2, p.ts);
    }
  }
  return out;
}

std::string remote_write_body(const std::vector<write_series>& series) {
  return snappy_block(write_request(series));
}

std::string snappy_block(const std::string& raw) {
  std::string out;
  snappy::Compress(raw.data(), raw.size(), &out);
  return out;
}

std::string histogram_message(timestamp_ms ts, const histogram& h, timestamp_ms start) {
  std::string out;
  pbf_writer m(out);
  if (h.is_float)
    m.add_double(2, h.count);
  else
    m.add_uint64(1, static_cast<uint64_t>(h.count));
  m.add_double(3, h.sum);
  m.add_sint32(4, h.schema);
  m.add_double(5, h.zero_threshold);
  if (h.is_float)
    m.add_double(7, h.zero_count);
  else
    m.add_uint64(6, static_cast<uint64_t>(h.zero_count));
  add_spans(m, 8, h.negative_spans);
  add_buckets(m, 9, h.is_float, h.negative_buckets);
  add_spans(m, 11, h.positive_spans);
  add_buckets(m, 12, h.is_float, h.positive_buckets);
  m.add_enum(14, static_cast<int>(h.hint));
  m.add_int64(15, ts);
  m.add_packed_double(16, h.custom_bounds.begin(), h.custom_bounds.end());
  add_time(m, 17, start);
  return out;
}

std::string write_v2_request(const std::vector<write_v2_series>& series) {
  symbol_table symbols;
  std::vector<std::string> messages;
  for (const auto& s : series)
    messages.push_back(series_message(s, symbols));
  std::string out;
  pbf_writer request(out);
  for (const auto& text : symbols.texts())
    request.add_string(4, text);
  for (const auto& m : messages)
    request.add_message(5, m);
  return out;
}

}  // namespace troupe::support
