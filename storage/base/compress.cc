#include "storage/base/compress.h"

#include "storage/base/check.h"

#include <lz4.h>

namespace troupe {

std::string lz4_compress(std::string_view raw) {
  TROUPE_CHECK(raw.size() <= LZ4_MAX_INPUT_SIZE);
  const int n = static_cast<int>(raw.size());
  std::string out;
  out.resize(static_cast<size_t>(LZ4_compressBound(n)));
  const int packed = LZ4_compress_default(raw.data(), out.data(), n, static_cast<int>(out.size()));
  TROUPE_CHECK(packed > 0);
  out.resize(static_cast<size_t>(packed));
  return out;
}

result<std::string> lz4_decompress(std::string_view packed, size_t raw_size, size_t limit) {
  if (raw_size > limit || raw_size > LZ4_MAX_INPUT_SIZE)
    return {errc::resource_exhausted, "lz4 block claims " + std::to_string(raw_size) +
                                          " bytes, limit " + std::to_string(limit)};
  // A block of n bytes expands to less than 255 n: a bigger claim is a lie; do not allocate for it.
  if (packed.size() > LZ4_MAX_INPUT_SIZE || raw_size / 255 > packed.size())
    return {errc::corruption, "lz4 block cannot have the size it claims"};
  std::string out;
  out.resize(raw_size);
  const int n = LZ4_decompress_safe(packed.data(), out.data(), static_cast<int>(packed.size()),
                                    static_cast<int>(raw_size));
  if (n < 0 || static_cast<size_t>(n) != raw_size)
    return {errc::corruption, "lz4 block is damaged"};
  return out;
}

}  // namespace troupe
