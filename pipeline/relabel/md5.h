// The hash behind `hashmod`. Stateless, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::relabel {

/// The last eight bytes of the MD5 of `text`, read big-endian, as Prometheus' hashmod takes them.
uint64_t md5_tail(std::string_view text);

}  // namespace troupe::relabel
