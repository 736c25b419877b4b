#include "query/parser/parse_state.h"

#include <cmath>

namespace troupe::query {
namespace {

constexpr double max_duration_s = 9223372036.854775808;  // Go's time.Duration in seconds
constexpr int additive = 1;
constexpr int multiplicative = 2;
constexpr int power = 3;

int precedence(token_kind k) {
  using enum token_kind;
  switch (k) {
    case add:
    case sub:
      return additive;
    case mul:
    case div:
    case mod:
      return multiplicative;
    case pow:
      return power;
    default:
      return 0;
  }
}

duration_op binary_operator(token_kind k) {
  using enum token_kind;
  switch (k) {
    case add:
      return duration_op::add;
    case sub:
      return duration_op::sub;
    case mul:
      return duration_op::mul;
    case div:
      return duration_op::div;
    case mod:
      return duration_op::mod;
    default:
      return duration_op::pow;
  }
}

bool is_zero(const expr& e) {
  return e.kind == node_kind::number && as<number_literal>(e).value == 0;
}

constexpr std::string_view division_by_zero = "division by zero";
constexpr std::string_view modulo_by_zero = "modulo by zero";

}  // namespace

bool parse_state::need_duration_expressions(const expr& e) {
  if (options_.enable_duration_expressions)
    return true;
  fail(e.pos.start, "experimental duration expression is not enabled");
  return false;
}

// One duration, maybe signed: `foo offset 5m * 2` is `(foo offset 5m) * 2`.
expr_ptr parse_state::offset_duration() {
  const level guard(*this);
  const auto outer =
      std::exchange(context_, "offset, expected number, duration, step(), or range()");
  expr_ptr e;
  if (next_is(token_kind::add) || next_is(token_kind::sub)) {
    const auto op = take();
    e = offset_duration();
    if (!failed_)
      e = negated_duration(std::move(e), op);
  } else if (!failed_) {
    e = duration_operand();
  }
  context_ = outer;
  return e;
}

expr_ptr parse_state::positive_duration(std::string_view context) {
  const auto outer = std::exchange(context_, context);
  auto e = duration_tree(0);
  context_ = outer;
  if (!failed_ && e->kind == node_kind::number && as<number_literal>(*e).value <= 0)
    fail(e->pos.start, "duration must be greater than 0");
  return e;
}

expr_ptr parse_state::duration_tree(int min_precedence) {
  const level guard(*this);
  if (failed_)
    return nullptr;
  expr_ptr lhs;
  if (next_is(token_kind::add) || next_is(token_kind::sub)) {
    const auto op = take();
    lhs = duration_tree(power);
    if (!failed_)
      lhs = negated_duration(std::move(lhs), op);
  } else {
    lhs = duration_operand();
  }
  while (!failed_) {
    const auto op = peek();
    const int p = precedence(op.kind);
    if (p == 0 || p < min_precedence)
      break;
    take();
    auto rhs = duration_tree(op.kind == token_kind::pow ? p : p + 1);
    if (failed_ || !need_duration_expressions(*lhs))
      return nullptr;
    auto e = std::make_unique<duration_expr>();
    e->op = binary_operator(op.kind);
    if (is_zero(*rhs) && (e->op == duration_op::div || e->op == duration_op::mod)) {
      fail(op.pos, std::string(e->op == duration_op::div ? division_by_zero : modulo_by_zero));
      return nullptr;
    }
    e->lhs = std::move(lhs);
    e->rhs = std::move(rhs);
    if (!above(*e, e->lhs.get()) || !above(*e, e->rhs.get()) ||
        !add_node(*e, e->lhs->pos.start, e->rhs->pos.end))
      return nullptr;
    lhs = std::move(e);
  }
  return failed_ ? nullptr : std::move(lhs);
}

expr_ptr parse_state::duration_operand() {
  using enum token_kind;
  switch (peek().kind) {
    case token_kind::number:
    case token_kind::duration:
      return duration_literal();
    case step:
    case range:
    case min_of:
    case max_of:
      return duration_call();
    case left_paren: {
      const auto open = take();
      auto e = duration_tree(0);
      if (failed_)
        return nullptr;
      if (!accept(right_paren)) {
        unexpected();
        return nullptr;
      }
      if (!need_duration_expressions(*e))
        return nullptr;
      if (e->kind == node_kind::duration && !as<duration_expr>(*e).wrapped) {
        as<duration_expr>(*e).wrapped = true;
        e->pos = {open.pos, last_end()};
        return e;
      }
      // A plain number in parentheses: kept as +number, so that it prints as it was written.
      auto plus = std::make_unique<duration_expr>();
      plus->op = duration_op::plus;
      plus->wrapped = true;
      plus->rhs = std::move(e);
      if (!above(*plus, plus->rhs.get()) || !add_node(*plus, open.pos, last_end()))
        return nullptr;
      return plus;
    }
    default:
      break;
  }
  unexpected();
  return nullptr;
}

expr_ptr parse_state::duration_literal() {
  const auto t = take();
  auto e = std::make_unique<number_literal>();
  e->duration = t.kind == token_kind::duration;
  if (!number_value(t, e->value))
    return nullptr;
  if (!(std::fabs(e->value) <= max_duration_s)) {
    fail(t.pos, "duration out of range");
    return nullptr;
  }
  return add_node(*e, t.pos, t.end()) ? std::move(e) : nullptr;
}

// step(), range(), min_of(a, b), max_of(a, b)
expr_ptr parse_state::duration_call() {
  using enum token_kind;
  const auto name = take();
  auto e = std::make_unique<duration_expr>();
  if (!accept(left_paren)) {
    unexpected();
    return nullptr;
  }
  if (name.kind == step || name.kind == range) {
    e->op = name.kind == step ? duration_op::step : duration_op::range;
  } else {
    e->op = name.kind == min_of ? duration_op::min_of : duration_op::max_of;
    e->lhs = duration_tree(0);
    if (failed_)
      return nullptr;
    if (!accept(comma)) {
      unexpected();
      return nullptr;
    }
    e->rhs = duration_tree(0);
    if (failed_ || !above(*e, e->lhs.get()) || !above(*e, e->rhs.get()))
      return nullptr;
  }
  if (!accept(right_paren)) {
    unexpected();
    return nullptr;
  }
  if (!add_node(*e, name.pos, last_end()) || !need_duration_expressions(*e))
    return nullptr;
  return e;
}

expr_ptr parse_state::negated_duration(expr_ptr e, const token& op) {
  const bool negate = op.kind == token_kind::sub;
  if (e->kind == node_kind::number) {
    auto& n = as<number_literal>(*e);
    n.value = negate ? -n.value : n.value;
    n.pos.start = op.pos;
    return e;
  }
  if (!negate)
    return e;
  auto minus = std::make_unique<duration_expr>();
  minus->op = duration_op::minus;
  minus->rhs = std::move(e);
  if (!above(*minus, minus->rhs.get()) || !add_node(*minus, op.pos, minus->rhs->pos.end))
    return nullptr;
  return minus;
}

// The value of a constant duration goes to `out_ms`; a plain literal needs no tree (null is
// returned).
expr_ptr parse_state::folded_duration(expr_ptr e, bool allow_negative, int64_t& out_ms) {
  if (failed_)
    return nullptr;
  if (is_constant_duration(*e)) {
    const auto seconds = evaluate_duration(*e, 0, 0);
    const auto ms =
        seconds.ok() ? duration_ms(*seconds, allow_negative) : result<int64_t>(seconds.error());
    if (!ms.ok()) {
      fail(e->pos.start, std::string(ms.error().message()));
      return nullptr;
    }
    out_ms = *ms;
  }
  return e->kind == node_kind::number ? nullptr : std::move(e);
}

bool is_constant_duration(const expr& e) {
  if (e.kind == node_kind::number)
    return true;
  const auto& d = as<duration_expr>(e);
  return d.op != duration_op::step && d.op != duration_op::range &&
         (!d.lhs || is_constant_duration(*d.lhs)) && (!d.rhs || is_constant_duration(*d.rhs));
}

result<double> evaluate_duration(const expr& e, double step_s, double range_s) {
  if (e.kind == node_kind::number)
    return as<number_literal>(e).value;
  const auto& d = as<duration_expr>(e);
  double a = 0;
  double b = 0;
  if (d.lhs) {
    TROUPE_ASSIGN(a, evaluate_duration(*d.lhs, step_s, range_s));
  }
  if (d.rhs) {
    TROUPE_ASSIGN(b, evaluate_duration(*d.rhs, step_s, range_s));
  }
  switch (d.op) {
    case duration_op::add:
      return a + b;
    case duration_op::sub:
      return a - b;
    case duration_op::mul:
      return a * b;
    case duration_op::div:
      if (b == 0)
        return {errc::invalid_argument, std::string(division_by_zero)};
      return a / b;
    case duration_op::mod:
      if (b == 0)
        return {errc::invalid_argument, std::string(modulo_by_zero)};
      return std::fmod(a, b);
    case duration_op::pow:
      return std::pow(a, b);
    case duration_op::step:
      return step_s;
    case duration_op::range:
      return range_s;
    case duration_op::min_of:
      return std::fmin(a, b);
    case duration_op::max_of:
      return std::fmax(a, b);
    case duration_op::plus:
      return b;
    case duration_op::minus:
      break;
  }
  return -b;
}

result<int64_t> duration_ms(double seconds, bool allow_negative) {
  if (!allow_negative && !(seconds > 0))
    return {errc::invalid_argument, "duration must be greater than 0"};
  if (!(std::fabs(seconds) <= max_duration_s))
    return {errc::invalid_argument, "duration is out of range"};
  // Rounded to nanoseconds first, as 0.1 * 3 must not lose a millisecond.
  return static_cast<int64_t>(std::round(seconds * 1e9) / 1e6);
}

}  // namespace troupe::query
