// The two histogram encodings behind chunk_codec.h.
#pragma once

#include "storage/tsdb/chunk_codec.h"

#include <string_view>

namespace troupe::storage::tsdb {

/// As decode_chunk().
status decode_histograms(std::string_view data, bool is_float, sample_columns& out);

}  // namespace troupe::storage::tsdb
