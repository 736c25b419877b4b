// RE2 syntax, fully anchored, '.' matches newline: Prometheus' regular expressions. Immutable after
// compile; const calls from any thread.
#pragma once

#include "storage/base/result.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

class regex {
 public:
  /// Compiles ^(?s:pattern)$. invalid_argument with RE2's reason, resource_exhausted when the
  /// program is too big.
  static result<regex> compile(std::string_view pattern);

  bool matches(std::string_view text) const;
  /// If `text` matches, replaces $1, ${1}, ${name} and $$ in `replacement` (Go's regexp.Expand)
  /// into `out`.
  bool expand(std::string_view text, std::string_view replacement, std::string& out) const;
  /// The original pattern, without anchors.
  const std::string& pattern() const;
  /// If the pattern is only literals joined by '|', those literals (else empty): lets an index look
  /// them up directly.
  const std::vector<std::string>& literals() const;

 private:
  struct impl;
  std::shared_ptr<const impl> impl_;
};

}  // namespace troupe
