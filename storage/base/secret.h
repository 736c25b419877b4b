// A string that prints itself as <secret>. No implicit conversion: reading the value is a visible
// act.
#pragma once

#include <string>
#include <utility>

namespace troupe {

class secret {
 public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const secret&) const = default;

 private:
  std::string value_;
};

}  // namespace troupe
