// The tree of a PromQL expression. Built by parse() (parser.h) already type-checked; a plain value
// owned by one holder, may be read from any thread. Its height and its number of nodes are bounded
// by parser.h, so walking may recurse.
#pragma once

#include "query/parser/functions.h"
#include "storage/model/matcher.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::query {

/// Byte offsets into the query text, end exclusive.
struct position_range {
  uint32_t start = 0;
  uint32_t end = 0;
  bool operator==(const position_range&) const = default;
};

enum class node_kind : uint8_t {
  number,
  string,
  vector_selector,
  matrix_selector,
  subquery,
  unary,
  binary,
  aggregate,
  call,
  paren,
  duration,  ///< only below range_expr, step_expr and offset_expr of the three selectors
};

struct expr {
  explicit expr(node_kind k) : kind(k) {}
  expr(const expr&) = delete;
  expr& operator=(const expr&) = delete;
  virtual ~expr() = default;
  virtual value_type type() const = 0;
  virtual std::unique_ptr<expr> clone() const = 0;

  node_kind kind;
  uint16_t height = 1;  ///< of the tree from here down, durations included
  position_range pos;
};
using expr_ptr = std::unique_ptr<expr>;

/// Downcast of a node whose `kind` is known: `as<binary_expr>(e).lhs`.
template <class T>
T& as(expr& e) {
  return static_cast<T&>(e);
}
template <class T>
const T& as(const expr& e) {
  return static_cast<const T&>(e);
}

enum class bin_op : uint8_t {
  add,
  sub,
  mul,
  div,
  mod,
  pow,
  atan2,
  eql,
  neq,
  lss,
  lte,
  gtr,
  gte,
  trim_upper,  ///< `</`
  trim_lower,  ///< `>/`
  land,
  lor,
  lunless,
};
std::string_view to_string(bin_op op);
constexpr bool is_comparison(bin_op op) {
  return op >= bin_op::eql && op <= bin_op::gte;
}
constexpr bool is_set_operator(bin_op op) {
  return op >= bin_op::land;
}

enum class agg_op : uint8_t {
  sum,
  avg,
  count,
  min,
  max,
  group,
  stddev,
  stdvar,
  topk,
  bottomk,
  count_values,
  quantile,
  limitk,
  limit_ratio,
};
std::string_view to_string(agg_op op);
/// Takes a parameter before the vector.
constexpr bool has_param(agg_op op) {
  return op >= agg_op::topk;
}

enum class vector_card : uint8_t { one_to_one, many_to_one, one_to_many, many_to_many };
std::string_view to_string(vector_card card);

/// `@ start()`, `@ end()`.
enum class at_preprocessor : uint8_t { none, start, end };

struct number_literal : expr {
  number_literal() : expr(node_kind::number) {}
  value_type type() const override { return value_type::scalar; }
  expr_ptr clone() const override;
  double value = 0;
  bool duration = false;  ///< written as a duration (`5m`); printed as one
};

struct string_literal : expr {
  string_literal() : expr(node_kind::string) {}
  value_type type() const override { return value_type::string; }
  expr_ptr clone() const override;
  std::string value;
};

enum class duration_op : uint8_t {
  add,
  sub,
  mul,
  div,
  mod,
  pow,
  step,
  range,
  min_of,
  max_of,
  plus,
  minus
};

/// Arithmetic on durations. Where it does not depend on the query's step or range the parser has
/// already put its value into range_ms, step_ms or offset_ms. Values are seconds. lhs and rhs are
/// number_literal or duration_expr; step and range have neither; plus and minus only rhs.
struct duration_expr : expr {
  duration_expr() : expr(node_kind::duration) {}
  value_type type() const override { return value_type::scalar; }
  expr_ptr clone() const override;
  duration_op op = duration_op::add;
  expr_ptr lhs;
  expr_ptr rhs;
  bool wrapped = false;  ///< in parentheses in the text
};

/// What `offset` and `@` say. The evaluation time t becomes (at or t) - offset_ms.
struct time_shift {
  int64_t offset_ms = 0;           ///< as written; resolve_durations() fills it from offset_expr
  expr_ptr offset_expr;            ///< null if a plain number or duration was written
  std::optional<timestamp_ms> at;  ///< `@ 1.5` = 1500
  at_preprocessor at_edge = at_preprocessor::none;
  time_shift clone() const;
};

struct vector_selector : expr {
  vector_selector() : expr(node_kind::vector_selector) {}
  value_type type() const override { return value_type::vector; }
  expr_ptr clone() const override;
  std::string name;  ///< the metric name before the braces; empty if only a matcher says it
  matchers match;    ///< all; the last one is __name__=`name` if that is not empty
  time_shift shift;
  bool anchored = false;
  bool smoothed = false;
};

/// `selector[range]`. The inner selector carries offset, @, anchored and smoothed.
struct matrix_selector : expr {
  matrix_selector() : expr(node_kind::matrix_selector) {}
  value_type type() const override { return value_type::matrix; }
  expr_ptr clone() const override;
  const vector_selector& vector() const { return as<vector_selector>(*selector); }
  vector_selector& vector() { return as<vector_selector>(*selector); }
  expr_ptr selector;  ///< a vector_selector
  int64_t range_ms = 0;
  expr_ptr range_expr;  ///< null, or what range_ms is computed from
};

/// `expr[range:step]`.
struct subquery_expr : expr {
  subquery_expr() : expr(node_kind::subquery) {}
  value_type type() const override { return value_type::matrix; }
  expr_ptr clone() const override;
  expr_ptr inner;
  int64_t range_ms = 0;
  expr_ptr range_expr;
  int64_t step_ms = 0;  ///< 0: the default resolution
  expr_ptr step_expr;
  time_shift shift;
};

struct unary_expr : expr {
  unary_expr() : expr(node_kind::unary) {}
  value_type type() const override { return operand->type(); }
  expr_ptr clone() const override;
  bool negate = false;  ///< `-x`; else `+x`
  expr_ptr operand;
};

/// Present for a binary operator between two vectors.
struct vector_matching {
  vector_card card = vector_card::one_to_one;
  bool on = false;                   ///< `on(labels)`; else `ignoring(labels)` (maybe of nothing)
  std::vector<std::string> labels;   ///< as written
  std::vector<std::string> include;  ///< of group_left / group_right
  std::optional<double> fill_left;   ///< for a missing left-hand sample
  std::optional<double> fill_right;
};

struct binary_expr : expr {
  binary_expr() : expr(node_kind::binary) {}
  value_type type() const override;
  expr_ptr clone() const override;
  bin_op op = bin_op::add;
  bool return_bool = false;
  expr_ptr lhs;
  expr_ptr rhs;
  std::optional<vector_matching> matching;
};

struct aggregate_expr : expr {
  aggregate_expr() : expr(node_kind::aggregate) {}
  value_type type() const override { return value_type::vector; }
  expr_ptr clone() const override;
  agg_op op = agg_op::sum;
  expr_ptr operand;
  expr_ptr param;  ///< for has_param(op), else null
  bool without = false;
  std::vector<std::string> grouping;
};

struct call_expr : expr {
  call_expr() : expr(node_kind::call) {}
  value_type type() const override { return func->result; }
  expr_ptr clone() const override;
  const function_signature* func = nullptr;  ///< into the static table of functions.h
  std::vector<expr_ptr> args;
};

struct paren_expr : expr {
  paren_expr() : expr(node_kind::paren) {}
  value_type type() const override { return inner->type(); }
  expr_ptr clone() const override;
  expr_ptr inner;
};

/// The child nodes in the order of the text (durations left out).
std::vector<const expr*> children(const expr& e);
std::vector<expr*> children(expr& e);
/// Strips any parentheses around `e`.
const expr& unwrap_parens(const expr& e);
expr& unwrap_parens(expr& e);

}  // namespace troupe::query
