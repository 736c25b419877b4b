// Bits of Prometheus' chunks, most significant first, and the numbers made of them: fixed widths,
// Go's varints, its variable-width integers and XORed doubles. The reader checks every bound: past
// the end it gives zeros and says failed(). One owner.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace troupe::storage::tsdb {

class bit_reader {
 public:
  explicit bit_reader(std::string_view bytes) : bytes_(bytes), end_(uint64_t{bytes.size()} * 8) {}

  bool failed() const { return failed_; }
  uint64_t remaining() const { return end_ - at_; }
  /// Gives up, as past the end.
  uint64_t fail() {
    failed_ = true;
    at_ = end_;
    return 0;
  }
  /// n in 0..64.
  uint64_t bits(unsigned n) {
    if (n > remaining())
      return fail();
    const uint64_t v = n == 0 ? 0 : peek() >> (64 - n);
    at_ += n;
    return v;
  }
  double number() { return std::bit_cast<double>(bits(64)); }
  /// The ones before the next zero, at most `most`; the zero is consumed if it is among them.
  unsigned ones(unsigned most) {
    const auto n = std::min(static_cast<unsigned>(std::countl_one(peek())), most);
    bits(n < most ? n + 1 : n);
    return n;
  }
  /// encoding/binary's, in whole bytes.
  uint64_t uvarint();
  int64_t varint() {
    const uint64_t v = uvarint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  /// `<varbit_int>` and `<varbit_uint>` of the format's description.
  int64_t varbit_int();
  uint64_t varbit_uint();
  /// `<varbit_ts>`.
  int64_t varbit_time();

 private:
  // The next 64 bits, zeros behind the end.
  uint64_t peek() const {
    const size_t byte = at_ / 8;
    const unsigned shift = at_ % 8;
    if (bytes_.size() - byte >= 9) {
      uint64_t v;
      std::memcpy(&v, bytes_.data() + byte, 8);
      v = __builtin_bswap64(v) << shift;
      return shift == 0 ? v : v | static_cast<uint8_t>(bytes_[byte + 8]) >> (8 - shift);
    }
    return peek_tail(byte, shift);
  }
  uint64_t peek_tail(size_t byte, unsigned shift) const;
  int64_t signed_bits(unsigned n);

  std::string_view bytes_;
  uint64_t at_ = 0, end_;
  bool failed_ = false;
};

class bit_writer {
 public:
  /// The low `n` bits of `v`, n in 0..64.
  void bits(uint64_t v, unsigned n);
  void number(double v) { bits(std::bit_cast<uint64_t>(v), 64); }
  void uvarint(uint64_t v);
  void varint(int64_t v) {
    uvarint(static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63));
  }
  void varbit_int(int64_t v);
  void varbit_uint(uint64_t v);
  void varbit_time(int64_t v);
  /// Whole bytes, the last one filled up with zeros.
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  unsigned free_ = 0;  ///< bits of the last byte
};

/// A column of doubles, each as the XOR with the one before.
class xor_reader {
 public:
  void start(double v) { value_ = std::bit_cast<uint64_t>(v); }
  double next(bit_reader& in);

 private:
  uint64_t value_ = 0;
  unsigned leading_ = 0, trailing_ = 0;
};

class xor_writer {
 public:
  void start(double v) { value_ = std::bit_cast<uint64_t>(v); }
  void next(double v, bit_writer& out);

 private:
  static constexpr unsigned no_window = 64;
  uint64_t value_ = 0;
  unsigned leading_ = no_window, trailing_ = 0;
};

}  // namespace troupe::storage::tsdb
