// RE2 syntax: fully anchored with '.' that matches newline (Prometheus' matchers and relabelling),
// and unanchored (Go's regexp package, for templates). Immutable after compile; const calls from
// any thread.
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

/// Finds its pattern anywhere in a text; '.' does not match newline.
class search_regex {
 public:
  /// Errors as regex::compile.
  static result<search_regex> compile(std::string_view pattern);

  bool found_in(std::string_view text) const;
  /// `text` with every match replaced by the expanded `replacement` ($1, ${name}, $$): Go's
  /// ReplaceAllString. resource_exhausted if that is longer than `max_bytes`.
  result<std::string> replace_all(std::string_view text, std::string_view replacement,
                                  size_t max_bytes) const;

 private:
  struct impl;
  std::shared_ptr<const impl> impl_;
};

}  // namespace troupe
