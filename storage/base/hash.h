// Hashes. xxh3 (64 bit) for tables and identity; xxh64 to equal a hash of Prometheus; CRC-32C
// (Castagnoli, RFC 3720) for everything on disk or on the wire.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

/// XXH3 64 bit with seed. Its output is part of on-disk formats (slots): never replace it.
uint64_t xxh3(std::string_view data, uint64_t seed = 0);
/// XXH3 128 bit with seed, for tables that compare no keys; never on disk.
struct hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const hash128&) const = default;
};
hash128 xxh3_128(std::string_view data, uint64_t seed = 0);
/// XXH64 with seed 0: Prometheus' hash of label sets.
uint64_t xxh64(std::string_view data);
/// CRC-32C; `crc` continues an earlier one. Uses SSE 4.2 where the CPU has it, a table elsewhere:
/// same results.
uint32_t crc32c(std::string_view data, uint32_t crc = 0);
/// The table form alone, so that tests can compare both.
uint32_t crc32c_portable(std::string_view data, uint32_t crc = 0);

}  // namespace troupe
