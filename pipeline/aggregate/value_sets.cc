#include "pipeline/aggregate/value_sets.h"

#include "storage/base/hash.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

namespace troupe::aggregate {
namespace {

constexpr int least_exponent = -9, most_exponent = 18, ranges_per_decade = 18;
constexpr int ranges = (most_exponent - least_exponent) * ranges_per_decade;
constexpr int below_all = -1, above_all = ranges;

std::string scientific(double v) {
  char text[32];
  const int n = std::snprintf(text, sizeof text, "%.3e", v);
  return {text, static_cast<size_t>(n)};
}

/// The texts are part of series: the bounds are multiplied up as there.
std::vector<std::string> make_range_names() {
  std::vector<std::string> out;
  const double factor = std::pow(10, 1.0 / ranges_per_decade);
  double bound = std::pow(10, least_exponent);
  std::string from = scientific(bound);
  for (int i = 0; i < ranges; ++i) {
    bound *= factor;
    std::string to = scientific(bound);
    out.push_back(from + "..." + to);
    from = std::move(to);
  }
  return out;
}

std::string range_name(int range) {
  static const std::vector<std::string> names = make_range_names();
  if (range == below_all)
    return "0..." + scientific(std::pow(10, least_exponent));
  if (range == above_all)
    return scientific(std::pow(10, most_exponent)) + "...+Inf";
  return names[static_cast<size_t>(range)];
}

int range_of(double value) {
  const double place = (std::log10(value) - least_exponent) * ranges_per_decade;
  if (!(place >= 0))
    return below_all;
  if (place >= ranges)
    return above_all;
  const int range = static_cast<int>(place);
  // A bound belongs to the range that it ends.
  return range > 0 && place == range ? range - 1 : range;
}

}  // namespace

void value_sample::add(uint64_t key, double value) {
  const std::pair entry(key, value);
  if (values_.size() == most) {
    if (entry >= values_.front())
      return;
    std::pop_heap(values_.begin(), values_.end());
    values_.pop_back();
  }
  values_.push_back(entry);
  std::push_heap(values_.begin(), values_.end());
}

std::vector<double> value_sample::values() const {
  std::vector<double> out;
  out.reserve(values_.size());
  for (const auto& [key, value] : values_)
    out.push_back(value);
  std::sort(out.begin(), out.end());
  return out;
}

void value_sample::encode(std::string& out) const {
  put_varint(out, values_.size());
  for (const auto& [key, value] : values_) {
    put_u64(out, key);
    put_u64(out, std::bit_cast<uint64_t>(value));
  }
}

void value_sample::decode(byte_reader& in) {
  const uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    const uint64_t key = in.u64();
    add(key, std::bit_cast<double>(in.u64()));
  }
}

double quantile_of(const std::vector<double>& sorted, double phi) {
  const double rank = phi * static_cast<double>(sorted.size() - 1) + 0.5;
  return sorted[std::min(static_cast<size_t>(rank), sorted.size() - 1)];
}

void distinct_values::add(double value) {
  const auto bits = std::bit_cast<uint64_t>(value == 0 ? 0.0 : value);
  const uint64_t hash = xxh3(std::string_view(reinterpret_cast<const char*>(&bits), sizeof bits));
  if (lowest_.size() == most && hash > *lowest_.rbegin())
    return;
  lowest_.insert(hash);
  if (lowest_.size() > most)
    lowest_.erase(std::prev(lowest_.end()));
}

double distinct_values::count() const {
  if (lowest_.size() < most)
    return static_cast<double>(lowest_.size());
  // The k lowest of n even hashes take k/n of their range.
  const double share = static_cast<double>(*lowest_.rbegin()) /
                       static_cast<double>(std::numeric_limits<uint64_t>::max());
  return std::round(static_cast<double>(most - 1) / share);
}

void distinct_values::encode(std::string& out) const {
  put_varint(out, lowest_.size());
  for (const uint64_t hash : lowest_)
    put_u64(out, hash);
}

void distinct_values::decode(byte_reader& in) {
  const uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && i < most && !in.failed(); ++i)
    lowest_.insert(in.u64());
}

void range_histogram::add(double value) {
  if (!(value >= 0))
    return;
  ++counts_[range_of(value)];
}

std::vector<std::pair<std::string, uint64_t>> range_histogram::counts() const {
  std::vector<std::pair<std::string, uint64_t>> out;
  for (const auto& [range, count] : counts_)
    out.emplace_back(range_name(range), count);
  return out;
}

void range_histogram::encode(std::string& out) const {
  put_varint(out, counts_.size());
  for (const auto& [range, count] : counts_) {
    put_svarint(out, range);
    put_varint(out, count);
  }
}

void range_histogram::decode(byte_reader& in) {
  const uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    const int64_t range = in.svarint();
    if (range < below_all || range > above_all)
      return in.fail();
    counts_[static_cast<int>(range)] = in.varint();
  }
}

}  // namespace troupe::aggregate
