#include "query/parser/parse_state.h"
#include "storage/base/quote.h"

namespace troupe::query {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool scalar_or_vector(value_type t) {
  return t == value_type::scalar || t == value_type::vector;
}

}  // namespace

// Post-order where Prometheus is, so that the first error is the same one.
class type_checker {
 public:
  type_checker(std::string_view text, uint32_t& pos, std::string& message)
      : text_(text), pos_(pos), message_(message) {}

  // The type of `e`; errors go to pos_ and message_, the first one stays.
  value_type check(expr& e) {
    switch (e.kind) {
      case node_kind::aggregate:
        aggregate(as<aggregate_expr>(e));
        break;
      case node_kind::binary:
        return binary(as<binary_expr>(e));
      case node_kind::call:
        call(as<call_expr>(e));
        break;
      case node_kind::paren:
        return check(*as<paren_expr>(e).inner);
      case node_kind::unary: {
        const auto t = check(*as<unary_expr>(e).operand);
        if (!scalar_or_vector(t))
          fail(e.pos.start,
               "unary expression only allowed on expressions of type scalar or instant vector, "
               "got " +
                   quoted(document_name(t)));
        return t;
      }
      case node_kind::subquery: {
        const auto t = check(*as<subquery_expr>(e).inner);
        if (t != value_type::vector)
          fail(e.pos.start, "subquery is only allowed on instant vector, got " +
                                std::string(to_string(t)) + " instead");
        break;
      }
      case node_kind::matrix_selector:
        check(*as<matrix_selector>(e).selector);
        break;
      case node_kind::vector_selector:
        selector(as<vector_selector>(e), false);
        break;
      case node_kind::number:
      case node_kind::string:
      case node_kind::duration:
        break;
    }
    return e.type();
  }

  bool ok() const { return ok_; }

 private:
  void fail(uint32_t pos, std::string message) {
    if (!ok_)
      return;
    ok_ = false;
    pos_ = pos;
    message_ = std::move(message);
  }

  void expect(expr& e, value_type want, std::string_view context) {
    const auto got = check(e);
    if (got != want)
      fail(e.pos.start, "expected type " + std::string(document_name(want)) + " in " +
                            std::string(context) + ", got " + std::string(document_name(got)));
  }

  void aggregate(aggregate_expr& e) {
    expect(*e.operand, value_type::vector, "aggregation expression");
    if (e.param)
      expect(*e.param, e.op == agg_op::count_values ? value_type::string : value_type::scalar,
             "aggregation parameter");
  }

  // Where the operator of `e` stands.
  uint32_t operator_pos(const binary_expr& e) const {
    uint32_t pos = e.lhs->pos.end;
    while (pos < text_.size() && is_space(text_[pos]))
      ++pos;
    return pos;
  }

  value_type binary(binary_expr& e) {
    const auto lt = check(*e.lhs);
    const auto rt = check(*e.rhs);
    const bool scalars = lt == value_type::scalar && rt == value_type::scalar;
    if (e.return_bool && !is_comparison(e.op))
      fail(operator_pos(e), "bool modifier can only be used on comparison operators");
    if (is_comparison(e.op) && !e.return_bool && scalars)
      fail(operator_pos(e), "comparisons between scalars must use BOOL modifier");
    auto& m = *e.matching;
    if (is_set_operator(e.op) && m.card == vector_card::one_to_one)
      m.card = vector_card::many_to_many;
    if (m.on)
      for (const auto& label : m.labels)
        for (const auto& included : m.include)
          if (label == included)
            fail(operator_pos(e),
                 "label " + quoted(label) + " must not occur in ON and GROUP clause at once");
    for (const auto& [type, side] : {std::pair{lt, e.lhs.get()}, std::pair{rt, e.rhs.get()}})
      if (!scalar_or_vector(type))
        fail(side->pos.start,
             "binary expression must contain only scalar and instant vector types");
    const bool filled = m.fill_left || m.fill_right;
    const bool vectors = lt == value_type::vector && rt == value_type::vector;
    if (!vectors) {
      if (!m.labels.empty())
        fail(e.pos.start, "vector matching only allowed between instant vectors");
      if (filled)
        fail(e.pos.start, "filling in missing series only allowed between instant vectors");
      e.matching.reset();
    } else if (is_set_operator(e.op)) {
      if (m.card == vector_card::one_to_many || m.card == vector_card::many_to_one)
        fail(e.pos.start, "no grouping allowed for " + quoted(to_string(e.op)) + " operation");
      if (filled)
        fail(e.pos.start, "filling in missing series not allowed for set operators");
    }
    if ((lt == value_type::scalar || rt == value_type::scalar) && is_set_operator(e.op))
      fail(e.pos.start,
           "set operator " + quoted(to_string(e.op)) + " not allowed in binary scalar expression");
    return scalars ? value_type::scalar : value_type::vector;
  }

  void arg_count(const call_expr& e) {
    const auto& f = *e.func;
    const size_t got = e.args.size();
    const auto complain = [&](const char* how, size_t wanted) {
      fail(e.pos.start, std::string("expected ") + how + std::to_string(wanted) +
                            " argument(s) in call to " + quoted(f.name) + ", got " +
                            std::to_string(got));
    };
    if (f.variadic == 0) {
      if (got != f.arg_count)
        complain("", f.arg_count);
      return;
    }
    const size_t least = f.arg_count - 1U;
    if (got < least)
      complain("at least ", least);
    else if (f.variadic > 0 && got > least + static_cast<size_t>(f.variadic))
      complain("at most ", least + static_cast<size_t>(f.variadic));
  }

  void call(call_expr& e) {
    const auto& f = *e.func;
    arg_count(e);
    const auto wrong_type = [&](uint32_t pos, value_type want, value_type got) {
      fail(pos, "expected type " + std::string(document_name(want)) + " in call to function " +
                    quoted(f.name) + ", got " + std::string(document_name(got)));
    };
    const bool info_labels = f.name == "info" && e.args.size() > 1;
    if (info_labels) {
      // The second argument is only a carrier of label matchers.
      auto& second = *e.args[1];
      if (second.type() != value_type::vector)
        wrong_type(e.pos.start, value_type::vector, second.type());
      if (second.kind != node_kind::vector_selector)
        fail(second.pos.start, "expected label selectors only");
      else if (!as<vector_selector>(second).name.empty())
        fail(second.pos.start, "expected label selectors only, got vector selector instead");
    }
    for (size_t i = 0; i < e.args.size(); ++i) {
      if (i >= f.arg_count && f.variadic == 0)
        break;
      const auto want = f.args[std::min<size_t>(i, f.arg_count - 1U)];
      auto& arg = *e.args[i];
      value_type got = value_type::vector;
      if (info_labels && i == 1 && arg.kind == node_kind::vector_selector)
        selector(as<vector_selector>(arg), true);
      else
        got = check(arg);
      if (got != want)
        wrong_type(arg.pos.start, want, got);
    }
  }

  void selector(const vector_selector& v, bool may_match_empty) {
    if (!v.name.empty()) {
      for (size_t i = 0; i + 1 < v.match.size(); ++i)
        if (v.match[i].name() == metric_name_label)
          fail(v.pos.start, "metric name must not be set twice: " + quoted(v.name) + " or " +
                                quoted(v.match[i].value()));
      return;
    }
    if (may_match_empty)
      return;
    for (const auto& m : v.match)
      if (!m.matches_empty())
        return;
    fail(v.pos.start, "vector selector must contain at least one non-empty matcher");
  }

  std::string_view text_;
  uint32_t& pos_;
  std::string& message_;
  bool ok_ = true;
};

bool check_types(expr& root, std::string_view text, uint32_t& pos, std::string& message) {
  type_checker c(text, pos, message);
  c.check(root);
  return c.ok();
}

}  // namespace troupe::query
