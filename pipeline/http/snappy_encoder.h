// Compression of remote-write request bodies. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace troupe::http {

/// Snappy's block format into `out`, which is replaced (its memory is reused).
void snappy(std::string_view raw, std::string& out);

}  // namespace troupe::http
