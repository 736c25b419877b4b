// What a bench prints at its end: named figures, as lines or as one JSON object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::actors {

class figures {
 public:
  using value = std::variant<uint64_t, double, std::string, std::vector<figures>>;
  void add(std::string_view name, value v) { all_.emplace_back(name, std::move(v)); }
  /// "name: value" lines; lists below their name, indented.
  std::string text(size_t indent = 0) const;
  /// One object, without a line break.
  std::string json() const;

 private:
  std::vector<std::pair<std::string, value>> all_;
};

}  // namespace troupe::actors
