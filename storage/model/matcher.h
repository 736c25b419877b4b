// Label matchers = != =~ !~. Immutable; any thread.
#pragma once

#include "storage/base/regex.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

enum class match_op : uint8_t { equal, not_equal, regex, not_regex };
std::string_view to_string(match_op op);

class matcher {
 public:
  /// invalid_argument for a pattern RE2 refuses.
  static result<matcher> make(match_op op, std::string name, std::string value);
  static matcher equal(std::string name, std::string value);

  match_op op() const { return op_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  bool matches(std::string_view value) const;
  /// An absent label has the value "".
  bool matches(const labels& series) const { return matches(series.get(name_)); }
  bool matches_empty() const { return matches(std::string_view()); }
  /// For =~ and !~ whose pattern is an alternation of literals: those (else empty).
  const std::vector<std::string>& literals() const;
  /// `name=~"value"`, quoted.
  std::string to_string() const;
  bool operator==(const matcher& o) const {
    return op_ == o.op_ && name_ == o.name_ && value_ == o.value_;
  }

 private:
  match_op op_ = match_op::equal;
  std::string name_;
  std::string value_;
  std::optional<regex> regex_;
};

using matchers = std::vector<matcher>;
bool matches_all(std::span<const matcher> ms, const labels& series);

}  // namespace troupe
