#include "storage/base/hash.h"

#include <xxhash.h>

#include <array>
#include <cstring>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace troupe {
namespace {

constexpr uint32_t castagnoli = 0x82f63b78;  // reflected

// Eight tables: slice-by-8 (Kounavis and Berry, 2005).
constexpr auto make_tables() {
  std::array<std::array<uint32_t, 256>, 8> t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k)
      c = (c >> 1) ^ ((c & 1) ? castagnoli : 0);
    t[0][i] = c;
  }
  for (uint32_t i = 0; i < 256; ++i)
    for (size_t k = 1; k < 8; ++k)
      t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  return t;
}
constexpr auto tables = make_tables();

uint32_t crc_table(const char* p, size_t n, uint32_t c) {
  while (n >= 8) {
    uint64_t w;
    std::memcpy(&w, p, 8);
    w ^= c;
    c = 0;
    for (size_t k = 0; k < 8; ++k)
      c ^= tables[7 - k][(w >> (8 * k)) & 0xff];
    p += 8;
    n -= 8;
  }
  while (n--)
    c = (c >> 8) ^ tables[0][(c ^ static_cast<uint8_t>(*p++)) & 0xff];
  return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc_sse42(const char* p, size_t n, uint32_t c) {
  uint64_t c64 = c;
  while (n >= 8) {
    uint64_t w;
    std::memcpy(&w, p, 8);
    c64 = _mm_crc32_u64(c64, w);
    p += 8;
    n -= 8;
  }
  c = static_cast<uint32_t>(c64);
  while (n--)
    c = _mm_crc32_u8(c, static_cast<uint8_t>(*p++));
  return c;
}
#endif

using crc_function = uint32_t (*)(const char*, size_t, uint32_t);

crc_function pick_crc() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2"))
    return crc_sse42;
#endif
  return crc_table;
}

}  // namespace

hash128 xxh3_128(std::string_view data, uint64_t seed) {
  const auto h = XXH3_128bits_withSeed(data.data(), data.size(), seed);
  return {h.low64, h.high64};
}

uint64_t xxh3(std::string_view data, uint64_t seed) {
  return XXH3_64bits_withSeed(data.data(), data.size(), seed);
}

uint64_t xxh64(std::string_view data) {
  return XXH64(data.data(), data.size(), 0);
}

uint32_t crc32c(std::string_view data, uint32_t crc) {
  static const crc_function fast = pick_crc();
  return ~fast(data.data(), data.size(), ~crc);
}

uint32_t crc32c_portable(std::string_view data, uint32_t crc) {
  return ~crc_table(data.data(), data.size(), ~crc);
}

}  // namespace troupe
