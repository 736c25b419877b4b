#include "query/engine/sampling_hash.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace troupe::query {
namespace {

constexpr uint64_t prime1 = 11400714785074694791ULL;
constexpr uint64_t prime2 = 14029467366897019727ULL;
constexpr uint64_t prime3 = 1609587929392839161ULL;
constexpr uint64_t prime4 = 9650029242287828579ULL;
constexpr uint64_t prime5 = 2870177450012600261ULL;

template <class T>
T load(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

uint64_t round(uint64_t acc, uint64_t input) {
  return std::rotl(acc + input * prime2, 31) * prime1;
}

uint64_t merge(uint64_t acc, uint64_t v) {
  return (acc ^ round(0, v)) * prime1 + prime4;
}

// The XXH64 specification (Yann Collet), seed 0.
uint64_t xxh64(std::string_view data) {
  const char* p = data.data();
  const char* const end = p + data.size();
  uint64_t h = prime5;
  if (data.size() >= 32) {
    uint64_t v1 = prime1 + prime2, v2 = prime2, v3 = 0, v4 = 0 - prime1;
    for (; end - p >= 32; p += 32) {
      v1 = round(v1, load<uint64_t>(p));
      v2 = round(v2, load<uint64_t>(p + 8));
      v3 = round(v3, load<uint64_t>(p + 16));
      v4 = round(v4, load<uint64_t>(p + 24));
    }
    h = std::rotl(v1, 1) + std::rotl(v2, 7) + std::rotl(v3, 12) + std::rotl(v4, 18);
    h = merge(merge(merge(merge(h, v1), v2), v3), v4);
  }
  h += data.size();
  for (; end - p >= 8; p += 8)
    h = std::rotl(h ^ round(0, load<uint64_t>(p)), 27) * prime1 + prime4;
  if (end - p >= 4) {
    h = std::rotl(h ^ (load<uint32_t>(p) * prime1), 23) * prime2 + prime3;
    p += 4;
  }
  for (; p < end; ++p)
    h = std::rotl(h ^ (static_cast<uint8_t>(*p) * prime5), 11) * prime1;
  h = (h ^ (h >> 33)) * prime2;
  h = (h ^ (h >> 29)) * prime3;
  return h ^ (h >> 32);
}

// A length in one byte, or 255 and three bytes.
void append(std::string& out, std::string_view text) {
  if (text.size() < 255) {
    out += static_cast<char>(text.size());
  } else {
    out += '\xff';
    for (int shift = 0; shift < 24; shift += 8)
      out += static_cast<char>(text.size() >> shift);
  }
  out += text;
}

}  // namespace

double sampling_offset(const labels& metric) {
  std::string encoded;
  for (const label_view& l : metric) {
    append(encoded, l.name);
    append(encoded, l.value);
  }
  return static_cast<double>(xxh64(encoded)) / 18446744073709551616.0;
}

}  // namespace troupe::query
