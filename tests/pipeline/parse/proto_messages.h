// Messages of the protobuf exposition, written out.
#pragma once

#include "pipeline/remote/message_encoder.h"
#include "storage/base/coding.h"
#include "storage/model/histogram.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::parse::proto {

enum type : uint64_t { counters, gauges, summaries, untyped, histograms, gauge_histograms };
using pairs = std::vector<std::pair<std::string, std::string>>;

inline std::string text(uint32_t field, std::string_view bytes) {
  std::string out;
  remote::put_text(out, field, bytes);
  return out;
}
inline std::string real(uint32_t field, double v) {
  std::string out;
  remote::put_double(out, field, v);
  return out;
}
inline std::string number(uint32_t field, int64_t v) {
  std::string out;
  remote::put_number(out, field, static_cast<uint64_t>(v));
  return out;
}
inline std::string zigzag(uint32_t field, int64_t v) {
  return number(field, static_cast<int64_t>((static_cast<uint64_t>(v) << 1) ^
                                            static_cast<uint64_t>(v >> 63)));
}

inline std::string labels_of(const pairs& labels) {
  std::string out;
  for (const auto& [name, value] : labels)
    out += text(1, text(1, name) + text(2, value));
  return out;
}
inline std::string time_of(timestamp_ms ts) {
  return number(1, ts / 1000) + number(2, ts % 1000 * 1'000'000);
}
/// Without a time if `ts` is 0.
inline std::string exemplar_of(const pairs& labels, double value, timestamp_ms ts) {
  return labels_of(labels) + real(2, value) + (ts == 0 ? "" : text(3, time_of(ts)));
}
inline std::string bucket(double le, uint64_t count, std::string_view exemplar = {}) {
  return number(1, static_cast<int64_t>(count)) + real(2, le) +
         (exemplar.empty() ? "" : text(3, exemplar));
}
/// The fields of a side of integers; `field` is that of the spans.
inline std::string side(uint32_t field, const std::vector<histogram_span>& spans,
                        const std::vector<int64_t>& counts) {
  std::string out, deltas;
  for (const auto& s : spans)
    out += text(field, zigzag(1, s.offset) + number(2, s.length));
  int64_t before = 0;
  for (const auto c : counts) {
    put_svarint(deltas, c - before);
    before = c;
  }
  return out + text(field + 1, deltas);
}
inline std::string metric(const pairs& labels, uint32_t field, std::string_view value,
                          timestamp_ms ts = 0) {
  return labels_of(labels) + text(field, value) + (ts == 0 ? "" : number(6, ts));
}
inline std::string family(std::string_view name, std::string_view help, type t,
                          const std::vector<std::string>& metrics, std::string_view unit = {}) {
  std::string body = text(1, name) + text(2, help) + number(3, static_cast<int64_t>(t));
  for (const auto& m : metrics)
    body += text(4, m);
  if (!unit.empty())
    body += text(5, unit);
  std::string out;
  put_varint(out, body.size());
  return out + body;
}

enum value_field : uint32_t {
  gauge_value = 2,
  counter_value,
  summary_value,
  untyped_value,
  histogram_value = 7
};

}  // namespace troupe::parse::proto
