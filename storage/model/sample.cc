#include "storage/model/sample.h"

#include <array>
#include <cmath>

namespace troupe {
namespace {

constexpr std::array<std::string_view, 8> type_names{
    "unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"};

// 0 stale marker, 1 other NaN, 2 number.
int rank_of(double v) {
  return is_stale(v) ? 0 : std::isnan(v) ? 1 : 2;
}

// Unsigned order of the result is IEEE 754 totalOrder.
uint64_t order_key(double v) {
  const auto bits = std::bit_cast<uint64_t>(v);
  return bits >> 63 ? ~bits : bits | 0x8000000000000000ULL;
}

}  // namespace

std::string_view to_string(metric_type type) {
  return type_names[static_cast<size_t>(type)];
}

metric_type metric_type_from(std::string_view name) {
  for (size_t i = 0; i < type_names.size(); ++i)
    if (type_names[i] == name)
      return static_cast<metric_type>(i);
  return metric_type::unknown;
}

bool loses_against(double a, double b) {
  if (const int x = rank_of(a), y = rank_of(b); x != y)
    return x < y;
  return order_key(a) < order_key(b);
}

}  // namespace troupe
