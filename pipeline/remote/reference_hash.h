// The hash of the texts that a series' references mean, series after series of a request. A series
// mostly differs from the one before in a reference or two: then these alone are read. One owner,
// one request.
#pragma once

#include "pipeline/remote/field_scan.h"
#include "pipeline/remote/sequence_hash.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace troupe::remote {

class reference_hash {
 public:
  /// `texts` are the hashes of the request's texts.
  reference_hash(const sequence_hash& with, std::span<const hash128> texts)
      : with_(with), texts_(texts), sum_(with) {}

  /// Of references as varints, which stay where they are until the next call. False if they are
  /// malformed, mean no text or are not in pairs.
  bool read(std::string_view packed) {
    if (!follow(packed) && !read_all(packed))
      return false;
    hash_ = sum_.result();
    return true;
  }
  const hash128& result() const { return hash_; }

 private:
  static constexpr uint64_t high_bits = 0x8080808080808080;

  static uint64_t load(const char* p) {
    uint64_t out = 0;
    std::memcpy(&out, p, sizeof out);
    return out;
  }
  /// The high bits of eight bytes, the first byte's lowest.
  static uint64_t gather(uint64_t bytes) {
    return ((bytes & high_bits) >> 7) * 0x0102040810204080 >> 56;
  }
  /// Calls visit(offset) so that each byte of `n` is one of the eight from an offset on.
  template <class F>
  static bool each_eight(size_t n, F visit) {
    for (size_t at = 0; at < n; at += 8)
      if (!visit(std::min(at, n - 8)))
        return false;
    return true;
  }

  bool read_all(std::string_view packed) {
    const char* p = packed.data();
    const char* const end = p + packed.size();
    before_ = {};
    sum_ = sequence_hash::state(with_);
    while (p != end) {
      uint64_t ref = static_cast<uint8_t>(*p);
      p = ref < 0x80 ? p + 1 : read_varint(p, end, ref);
      if (p == nullptr || ref >= texts_.size())
        return false;
      sum_.add(texts_[ref]);
    }
    if (sum_.count() % 2 != 0)
      return false;
    if (packed.size() >= 8 && packed.size() <= 64)
      note(packed);
    return true;
  }

  void note(std::string_view packed) {
    before_ = packed;
    uint64_t more = 0;  // the bytes that another one of the same reference follows
    each_eight(packed.size(), [&](size_t at) {
      more |= gather(load(packed.data() + at)) << at;
      return true;
    });
    starts_ = ~(more << 1);
  }

  /// If all references are as long as those before: exchanges those that are others.
  bool follow(std::string_view packed) {
    if (packed.size() != before_.size() || packed.empty())
      return false;
    uint64_t others = 0;  // bytes that differ
    const bool alike = each_eight(packed.size(), [&](size_t at) {
      const uint64_t x = load(packed.data() + at) ^ load(before_.data() + at);
      others |= gather(x + ~high_bits) << at;
      return (x & high_bits) == 0;
    });
    if (!alike)
      return false;
    while (others != 0) {
      const auto at = static_cast<unsigned>(std::countr_zero(others));
      const uint64_t starts = starts_ & ~uint64_t{0} >> (63 - at);
      const auto start = static_cast<size_t>(63 - std::countl_zero(starts));
      uint64_t was = 0, now = 0;
      read_varint(before_.data() + start, before_.data() + before_.size(), was);
      const char* const next =
          read_varint(packed.data() + start, packed.data() + packed.size(), now);
      if (now >= texts_.size())
        return false;
      sum_.replace(static_cast<size_t>(std::popcount(starts)) - 1, texts_[was], texts_[now]);
      const auto end = static_cast<size_t>(next - packed.data());
      others = end < 64 ? others & ~uint64_t{0} << end : 0;
    }
    before_ = packed;
    return true;
  }

  const sequence_hash& with_;
  const std::span<const hash128> texts_;
  sequence_hash::state sum_;
  hash128 hash_;
  std::string_view before_;  ///< the references in sum_; empty if they are not to be followed
  uint64_t starts_ = 0;      ///< bits of the bytes of before_ that a reference begins with
};

}  // namespace troupe::remote
