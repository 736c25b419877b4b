#include "storage/base/distinct_counter.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace troupe {
namespace {

// The finalizer of SplitMix64 (Steele et al. 2014).
uint64_t mixed(uint64_t x) {
  x = (x + 0x9e3779b97f4a7c15ULL);
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
  return x ^ x >> 31;
}

}  // namespace

void distinct_counter::add(uint64_t value) {
  const uint64_t hash = mixed(value);
  uint8_t& r = registers_[hash >> (64 - register_bits)];
  // The bit that is set at the end bounds the run.
  const uint64_t rest = hash << register_bits | uint64_t{1} << (register_bits - 1);
  r = std::max(r, static_cast<uint8_t>(std::countl_zero(rest) + 1));
}

void distinct_counter::add(const distinct_counter& other) {
  for (size_t i = 0; i < registers_.size(); ++i)
    registers_[i] = std::max(registers_[i], other.registers_[i]);
}

uint64_t distinct_counter::estimate() const {
  const auto m = static_cast<double>(registers_.size());
  double sum = 0;
  for (const uint8_t r : registers_)
    sum += std::ldexp(1.0, -r);
  const double raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  const auto empty = static_cast<double>(std::count(registers_.begin(), registers_.end(), 0));
  // Few values: linear counting is closer.
  const double best = raw <= 2.5 * m && empty > 0 ? m * std::log(m / empty) : raw;
  return static_cast<uint64_t>(std::llround(best));
}

}  // namespace troupe
