// The one way a compressed body is expanded: declared lengths are checked first, output and ratio
// are capped, memory grows by pages and every page is charged to a byte budget before it is used.
// Stateless between calls; any thread.
#pragma once

#include "pipeline/http/byte_budget.h"
#include "storage/base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace troupe::http {

enum class encoding : unsigned char { identity, gzip, deflate, zstd, snappy };

/// A Content-Encoding value ("gzip", "x-gzip", "deflate", "zstd", "snappy", "identity", "");
/// unsupported for anything else, lists of codings included.
result<encoding> parse_encoding(std::string_view name);

struct decode_limits {
  uint64_t max_output = 64ULL << 20;
  /// Output above 1 MiB may be at most this many times the input.
  uint64_t max_ratio = 500;
};

/// The decoded bytes and the claim that covers them.
struct decoded_body {
  byte_lease lease;  ///< outlives the data
  std::string data;
};

class bounded_decoder {
 public:
  explicit bounded_decoder(std::shared_ptr<byte_budget> budget, decode_limits limits = {})
      : budget_(std::move(budget)), limits_(limits) {}

  /// Expands a whole body. Errors: invalid_argument for malformed, truncated or trailing bytes,
  /// out_of_bounds for output or ratio over the limit, resource_exhausted for a full budget,
  /// unsupported for a window or coding that is not accepted. The memory of `spare`, a body that
  /// was read before, may serve again.
  result<decoded_body> decode(encoding coding, std::string_view input,
                              std::string spare = {}) const;

 private:
  std::shared_ptr<byte_budget> budget_;
  decode_limits limits_;
};

/// The answer to a client whose body gave this error: 413 over the limit, 503 budget full,
/// 415 unsupported coding, 400 otherwise.
int http_status_of(const status& decode_error);

}  // namespace troupe::http
