// Little-endian fixed-width and LEB128 variable-width integers, appended to strings and read back
// with bounds checks.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace troupe {

inline void put_u8(std::string& out, uint8_t v) {
  out.push_back(static_cast<char>(v));
}
template <class T>
void put_fixed(std::string& out, T v) {
  static_assert(std::endian::native == std::endian::little);
  char buf[sizeof(T)];
  std::memcpy(buf, &v, sizeof(T));
  out.append(buf, sizeof(T));
}
inline void put_u16(std::string& out, uint16_t v) {
  put_fixed(out, v);
}
inline void put_u32(std::string& out, uint32_t v) {
  put_fixed(out, v);
}
inline void put_u64(std::string& out, uint64_t v) {
  put_fixed(out, v);
}
inline void put_varint(std::string& out, uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}
inline uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
inline int64_t unzigzag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}
inline void put_svarint(std::string& out, int64_t v) {
  put_varint(out, zigzag(v));
}
/// Length as varint, then the bytes.
inline void put_bytes(std::string& out, std::string_view v) {
  put_varint(out, v.size());
  out.append(v);
}

/// Reads from a view; the first read past the end or malformed varint sets failed() and everything
/// after gives zeros.
class byte_reader {
 public:
  explicit byte_reader(std::string_view data) : p_(data.data()), end_(data.data() + data.size()) {}

  bool failed() const { return failed_; }
  bool at_end() const { return p_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - p_); }
  const char* position() const { return p_; }

  template <class T>
  T fixed() {
    T v{};
    if (remaining() < sizeof(T)) {
      fail();
      return v;
    }
    std::memcpy(&v, p_, sizeof(T));
    p_ += sizeof(T);
    return v;
  }
  uint8_t u8() { return fixed<uint8_t>(); }
  uint16_t u16() { return fixed<uint16_t>(); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  uint64_t varint() {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (p_ == end_)
        break;
      auto b = static_cast<uint8_t>(*p_++);
      if (shift == 63 && b > 1)
        break;
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (!(b & 0x80))
        return v;
    }
    fail();
    return 0;
  }
  int64_t svarint() { return unzigzag(varint()); }
  /// The next n bytes, a view into the input.
  std::string_view take(uint64_t n) {
    if (n > remaining()) {
      fail();
      return {};
    }
    std::string_view v(p_, static_cast<size_t>(n));
    p_ += n;
    return v;
  }
  std::string_view bytes() { return take(varint()); }
  void fail() {
    failed_ = true;
    p_ = end_;
  }

 private:
  const char* p_;
  const char* end_;
  bool failed_ = false;
};

}  // namespace troupe
