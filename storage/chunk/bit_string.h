// Fields of any width up to 64 bits, filled from the low bit of each byte up. One owner.
#pragma once

#include "storage/base/coding.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace troupe::storage {

/// Appends fields to a string; finish() writes what is left of the last byte.
class bit_writer {
 public:
  explicit bit_writer(std::string& out) : out_(out) {}

  /// The low `width` bits of `v`; the others must be 0.
  void put(uint64_t v, unsigned width) {
    word_ |= v << used_;
    used_ += width;
    if (used_ >= 64) {
      put_u64(out_, word_);
      used_ -= 64;
      word_ = used_ ? v >> (width - used_) : 0;
    }
  }
  void finish() {
    out_.append(reinterpret_cast<const char*>(&word_), (used_ + 7) / 8);
    word_ = 0;
    used_ = 0;
  }

 private:
  std::string& out_;
  uint64_t word_ = 0;
  unsigned used_ = 0;
};

/// Reads fields; those behind the end are 0, and overrun() tells.
class bit_source {
 public:
  /// The widest field of take_each.
  static constexpr unsigned fast_width = 57;

  bit_source() = default;
  /// `bytes` are the first of those that may be read; the others never show in a field.
  bit_source(std::string_view bytes, std::string_view readable)
      : data_(bytes.data()), bits_(8 * bytes.size()), readable_(readable.size()) {}

  /// `width` up to 64.
  uint64_t take(unsigned width) {
    if (width > fast_width) {
      const uint64_t low = take(32);
      return low | take(width - 32) << 32;
    }
    uint64_t v = 0;
    const size_t bytes = (bits_ + 7) / 8;
    for (size_t i = at_ / 8; i < std::min(bytes, at_ / 8 + 8); ++i)
      v |= uint64_t{static_cast<uint8_t>(data_[i])} << 8 * (i - at_ / 8);
    v >>= at_ % 8;
    at_ += width;
    return v & low_bits(width);
  }
  /// Whether fields of `bits` bits in all can be read by take_each.
  bool has(size_t bits) const { return at_ + bits <= bits_ && (at_ + bits) / 8 + 8 <= readable_; }
  /// keep(i, field of width(i)) for i below n, in order, without looking at the end.
  template <class Width, class Keep>
  void take_each(size_t n, const Width& width, const Keep& keep) {
    size_t at = at_;
    const char* const data = data_;
    for (size_t i = 0; i < n; ++i) {
      uint64_t v;
      std::memcpy(&v, data + at / 8, sizeof v);
      const unsigned w = width(i);
      keep(i, (v >> at % 8) & low_bits(w));
      at += w;
    }
    at_ = at;
  }
  bool overrun() const { return at_ > bits_; }
  /// Nothing but the rest of the last byte is left.
  bool at_end() const { return (at_ + 7) / 8 == bits_ / 8; }

 private:
  /// Below 64.
  static uint64_t low_bits(unsigned width) { return (1ULL << width) - 1; }

  const char* data_ = nullptr;
  size_t bits_ = 0, readable_ = 0;
  size_t at_ = 0;  // bits
};

}  // namespace troupe::storage
