#include "storage/model/matcher.h"

#include "storage/base/quote.h"

#include <algorithm>

namespace troupe {

std::string_view to_string(match_op op) {
  switch (op) {
    case match_op::equal:
      return "=";
    case match_op::not_equal:
      return "!=";
    case match_op::regex:
      return "=~";
    case match_op::not_regex:
      break;
  }
  return "!~";
}

result<matcher> matcher::make(match_op op, std::string name, std::string value) {
  matcher out;
  out.op_ = op;
  out.name_ = std::move(name);
  out.value_ = std::move(value);
  if (op == match_op::regex || op == match_op::not_regex) {
    TROUPE_ASSIGN(out.regex_, regex::compile(out.value_));
  }
  return out;
}

matcher matcher::equal(std::string name, std::string value) {
  matcher out;
  out.name_ = std::move(name);
  out.value_ = std::move(value);
  return out;
}

bool matcher::matches(std::string_view value) const {
  switch (op_) {
    case match_op::equal:
      return value == value_;
    case match_op::not_equal:
      return value != value_;
    case match_op::regex:
      return regex_->matches(value);
    case match_op::not_regex:
      break;
  }
  return !regex_->matches(value);
}

const std::vector<std::string>& matcher::literals() const {
  static const std::vector<std::string> none;
  return regex_ ? regex_->literals() : none;
}

std::string matcher::to_string() const {
  std::string out;
  const bool plain = !name_.empty() && !(name_[0] >= '0' && name_[0] <= '9') &&
                     std::all_of(name_.begin(), name_.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '_';
                     });
  if (plain)
    out = name_;
  else
    append_quoted(out, name_);
  out += troupe::to_string(op_);
  append_quoted(out, value_);
  return out;
}

bool matches_all(std::span<const matcher> ms, const labels& series) {
  return std::all_of(ms.begin(), ms.end(), [&](const matcher& m) { return m.matches(series); });
}

}  // namespace troupe
