// The recursive descent behind parser.h; an object parses one text. Private to query/parser. Its
// functions return null after the first error, which error() tells.
#pragma once

#include "query/parser/ast.h"
#include "query/parser/lexer.h"
#include "query/parser/parser.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::query {

class parse_state {
 public:
  parse_state(std::string_view text, const parse_options& options);

  /// The whole text as one expression, type-checked.
  expr_ptr whole_expression();
  /// The whole text as one vector selector.
  std::unique_ptr<vector_selector> whole_selector();
  /// `name{a="b"}` at the start of the text.
  bool series_labels(std::vector<std::pair<std::string, std::string>>& out, bool prefix,
                     size_t& consumed);

  bool failed() const { return failed_; }
  status error() const;

 private:
  // Tokens.
  const token& peek(size_t ahead = 0) const {
    return list_.tokens[std::min(at_ + ahead, list_.tokens.size() - 1)];
  }
  bool next_is(token_kind k) const { return peek().kind == k; }
  token take();
  bool accept(token_kind k);
  uint32_t last_end() const { return last_end_; }

  // Errors. The first one stays.
  void fail(uint32_t pos, std::string message);
  void fail_limit(uint32_t pos, std::string message);
  /// "unexpected … in context, expected …" about the next token.
  void unexpected(std::string_view context, std::string_view expected);
  void unexpected() { unexpected(context_, {}); }

  // Nodes.
  bool add_node(expr& e, uint32_t start, uint32_t end);
  /// Makes `e` higher than its child.
  bool above(expr& e, const expr* child);

  // Expressions (parse_expr.cc).
  expr_ptr expression(int min_precedence);
  expr_ptr operand();
  expr_ptr primary();
  expr_ptr unary();
  expr_ptr paren();
  expr_ptr number_operand();
  expr_ptr string_operand();
  expr_ptr call();
  expr_ptr aggregate();
  bool call_args(std::vector<expr_ptr>& out);
  bool binary_modifiers(binary_expr& e);
  bool fill_modifiers(vector_matching& m);
  bool fill_value(double& out);
  bool grouping_labels(std::vector<std::string>& out);

  // Selectors (parse_selector.cc).
  std::unique_ptr<vector_selector> selector();
  bool label_matchers(vector_selector& v);
  bool label_matcher(vector_selector& v);
  bool string_value(const token& t, std::string& out);
  expr_ptr modifiers(expr_ptr e);
  expr_ptr range_or_subquery(expr_ptr e);
  bool offset_modifier(expr& e);
  bool at_modifier(expr& e);
  bool extended_modifier(expr& e, bool smoothed);
  time_shift* shift_of(expr& e, std::string_view what);
  bool number_value(const token& t, double& out);

  // Durations (parse_duration.cc).
  expr_ptr offset_duration();
  expr_ptr positive_duration(std::string_view context);
  expr_ptr duration_tree(int min_precedence);
  expr_ptr duration_operand();
  expr_ptr duration_literal();
  expr_ptr duration_call();
  expr_ptr negated_duration(expr_ptr e, const token& op);
  expr_ptr folded_duration(expr_ptr e, bool allow_negative, int64_t& out_ms);
  bool need_duration_expressions(const expr& e);

  std::string_view text_;
  parse_options options_;
  token_list list_;
  size_t at_ = 0;
  uint32_t last_end_ = 0;
  uint32_t nodes_ = 0;
  uint32_t depth_ = 0;
  std::string_view context_;  ///< what follows "unexpected … in" where no rule knows better
  bool failed_ = false;
  errc error_code_ = errc::invalid_argument;
  uint32_t error_pos_ = 0;
  std::string error_message_;

  // Guards one level of recursion.
  class level {
   public:
    explicit level(parse_state& p);
    ~level() { --p_.depth_; }
    level(const level&) = delete;
    level& operator=(const level&) = delete;

   private:
    parse_state& p_;
  };
};

/// Prometheus' "line:column" of a byte offset.
std::string position_text(std::string_view query, uint32_t pos);

/// Types, argument counts and the other rules beyond grammar, in Prometheus' order; also sets the
/// cardinality of set operators and drops `matching` where an operand is a scalar. False: `pos` and
/// `message` tell.
bool check_types(expr& root, std::string_view text, uint32_t& pos, std::string& message);

/// Seconds of a duration tree. Fails on a division by zero.
result<double> evaluate_duration(const expr& e, double step_s, double range_s);
/// True if the value needs no step() or range().
bool is_constant_duration(const expr& e);
/// Seconds → milliseconds as Prometheus does. Fails if out of range, or not positive unless
/// `allow_negative`.
result<int64_t> duration_ms(double seconds, bool allow_negative);

}  // namespace troupe::query
