// What an answer of a remote-write receiver means. Pure functions.
#pragma once

#include "pipeline/http/http.h"
#include "pipeline/remote/write_protocol.h"
#include "pipeline/send/entry.h"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::send {

enum class verdict : uint8_t { taken, refused, again };

/// Failures of the way and 5xx pass; 429 does if `retry_on_429`; anything else would be refused
/// again.
verdict judge(const http::fetch_result& got, bool retry_on_429);
/// X-Prometheus-Remote-Write-*-Written; absent if none of them is there.
std::optional<entry_counts> written(const http::headers& fields);
/// Milliseconds of Retry-After, given in seconds or as a date (RFC 9110 §10.2.3); 0: none.
int64_t retry_after_ms(const http::headers& fields, int64_t now_ms);
/// For the log.
std::string describe(const http::fetch_result& got);

}  // namespace troupe::send
