// LZ4 blocks (frames, series log) and the bound on what a length field may claim.
#pragma once

#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe {

/// LZ4 block format without a length; the caller stores the raw size.
std::string lz4_compress(std::string_view raw);
/// corruption if `packed` does not expand to exactly `raw_size` bytes; resource_exhausted above
/// `limit`.
result<std::string> lz4_decompress(std::string_view packed, size_t raw_size,
                                   size_t limit = 256u << 20);

}  // namespace troupe
