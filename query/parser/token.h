// Tokens of PromQL and how error messages describe them. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::query {

enum class token_kind : uint8_t {
  eof,
  error,  ///< the lexer gave up; `text` is the message
  identifier,
  metric_identifier,  ///< has a colon
  number,
  duration,
  string,
  left_paren,
  right_paren,
  left_brace,
  right_brace,
  left_bracket,
  right_bracket,
  comma,
  colon,
  equal,  ///< `=`
  at,
  // Operators.
  add,
  sub,
  mul,
  div,
  mod,
  pow,
  eql,  ///< `==`
  neq,
  lss,
  lte,
  gtr,
  gte,
  trim_upper,
  trim_lower,
  equal_regex,
  not_equal_regex,
  land,
  lor,
  lunless,
  atan2,
  aggregator,  ///< which one: the text
  // Keywords.
  bool_,
  by,
  without,
  on,
  ignoring,
  group_left,
  group_right,
  offset,
  anchored,
  smoothed,
  fill,
  fill_left,
  fill_right,
  // Names that are keywords only in some places.
  start,
  end,
  step,
  range,
  min_of,
  max_of,
};

struct token {
  token_kind kind = token_kind::eof;
  uint32_t pos = 0;       ///< byte offset
  std::string_view text;  ///< into the query (for `error`: a message owned by the lexer)
  uint32_t end() const { return pos + static_cast<uint32_t>(text.size()); }
};

constexpr bool is_operator(token_kind k) {
  return k >= token_kind::at && k <= token_kind::atan2;
}
constexpr bool is_keyword(token_kind k) {
  return k >= token_kind::bool_ && k <= token_kind::fill_right;
}
/// May stand for a metric name before `{` or alone.
bool can_name_metric(token_kind k);
/// May stand for a label in by (…), on (…) and so on.
bool can_name_label(token_kind k);
/// Lower-case keyword → its kind, else identifier.
token_kind keyword_kind(std::string_view lower_case);

/// `identifier "foo"`, `<op:+>`, `end of input`: as in "unexpected …".
std::string describe(const token& t);

}  // namespace troupe::query
