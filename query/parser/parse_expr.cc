#include "query/parser/number_text.h"
#include "query/parser/parse_state.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::query {
namespace {

constexpr int unary_operand_precedence = 6;  // binds like * and /, so that -2^2 is -(2^2)

int precedence(token_kind k) {
  using enum token_kind;
  switch (k) {
    case lor:
      return 1;
    case land:
    case lunless:
      return 2;
    case eql:
    case neq:
    case lss:
    case lte:
    case gtr:
    case gte:
    case trim_upper:
    case trim_lower:
      return 3;
    case add:
    case sub:
      return 4;
    case mul:
    case div:
    case mod:
    case atan2:
      return 5;
    case pow:
      return 6;
    default:
      return 0;
  }
}

bin_op binary_operator(token_kind k) {
  using enum token_kind;
  switch (k) {
    case add:
      return bin_op::add;
    case sub:
      return bin_op::sub;
    case mul:
      return bin_op::mul;
    case div:
      return bin_op::div;
    case mod:
      return bin_op::mod;
    case pow:
      return bin_op::pow;
    case atan2:
      return bin_op::atan2;
    case eql:
      return bin_op::eql;
    case neq:
      return bin_op::neq;
    case lss:
      return bin_op::lss;
    case lte:
      return bin_op::lte;
    case gtr:
      return bin_op::gtr;
    case gte:
      return bin_op::gte;
    case trim_upper:
      return bin_op::trim_upper;
    case trim_lower:
      return bin_op::trim_lower;
    case land:
      return bin_op::land;
    case lor:
      return bin_op::lor;
    default:
      return bin_op::lunless;
  }
}

agg_op aggregation(std::string_view word) {
  const auto same = [&](agg_op op) {
    return std::ranges::equal(word, to_string(op),
                              [](char a, char b) { return a == b || (a | 0x20) == b; });
  };
  for (int i = 0; i < static_cast<int>(agg_op::limit_ratio); ++i)
    if (same(static_cast<agg_op>(i)))
      return static_cast<agg_op>(i);
  return agg_op::limit_ratio;
}

bool names_function(token_kind k) {
  using enum token_kind;
  return k == identifier || k == start || k == end || k == step || k == range || k == min_of ||
         k == max_of;
}

}  // namespace

expr_ptr parse_state::expression(int min_precedence) {
  const level guard(*this);
  if (failed_)
    return nullptr;
  auto lhs = operand();
  while (!failed_) {
    const auto op = peek();
    const int p = precedence(op.kind);
    if (p == 0 || p < min_precedence)
      break;
    take();
    auto e = std::make_unique<binary_expr>();
    e->op = binary_operator(op.kind);
    e->matching.emplace();
    if (!binary_modifiers(*e))
      return nullptr;
    auto rhs = expression(op.kind == token_kind::pow ? p : p + 1);
    if (failed_)
      return nullptr;
    if (!options_.enable_binop_fill_modifiers &&
        (e->matching->fill_left || e->matching->fill_right)) {
      fail(lhs->pos.start, "binop fill modifiers are experimental and not enabled");
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

expr_ptr parse_state::operand() {
  if (next_is(token_kind::add) || next_is(token_kind::sub))
    return unary();
  auto e = primary();
  return failed_ ? nullptr : modifiers(std::move(e));
}

expr_ptr parse_state::unary() {
  const auto op = take();
  auto inner = expression(unary_operand_precedence);
  if (failed_)
    return nullptr;
  const bool negate = op.kind == token_kind::sub;
  if (inner->kind == node_kind::number) {
    auto& n = as<number_literal>(*inner);
    n.value = negate ? -n.value : n.value;
    n.pos.start = op.pos;
    return inner;
  }
  auto e = std::make_unique<unary_expr>();
  e->negate = negate;
  e->operand = std::move(inner);
  if (!above(*e, e->operand.get()) || !add_node(*e, op.pos, e->operand->pos.end))
    return nullptr;
  return e;
}

expr_ptr parse_state::primary() {
  using enum token_kind;
  const auto& t = peek();
  const auto after = peek(1).kind;
  switch (t.kind) {
    case left_paren:
      return paren();
    case token_kind::number:
    case token_kind::duration:
      return number_operand();
    case token_kind::string:
      return string_operand();
    case aggregator:
      if (after == left_paren || after == by || after == without)
        return aggregate();
      return selector();
    case left_brace:
      return selector();
    default:
      if (names_function(t.kind) && after == left_paren)
        return call();
      if (can_name_metric(t.kind))
        return selector();
      unexpected();
      return nullptr;
  }
}

expr_ptr parse_state::paren() {
  const auto open = take();
  auto inner = expression(0);
  if (failed_)
    return nullptr;
  if (!next_is(token_kind::right_paren)) {
    unexpected();
    return nullptr;
  }
  take();
  auto e = std::make_unique<paren_expr>();
  e->inner = std::move(inner);
  if (!above(*e, e->inner.get()) || !add_node(*e, open.pos, last_end()))
    return nullptr;
  return e;
}

expr_ptr parse_state::number_operand() {
  const auto t = take();
  auto e = std::make_unique<number_literal>();
  e->duration = t.kind == token_kind::duration;
  if (!number_value(t, e->value) || !add_node(*e, t.pos, t.end()))
    return nullptr;
  return e;
}

expr_ptr parse_state::string_operand() {
  const auto t = take();
  auto e = std::make_unique<string_literal>();
  if (!string_value(t, e->value) || !add_node(*e, t.pos, t.end()))
    return nullptr;
  return e;
}

expr_ptr parse_state::call() {
  const auto name = take();
  auto e = std::make_unique<call_expr>();
  if (!call_args(e->args))
    return nullptr;
  e->func = find_function(name.text);
  if (e->func == nullptr) {
    fail(name.pos, "unknown function with name " + quoted(name.text));
    return nullptr;
  }
  if (e->func->experimental && !options_.enable_experimental_functions) {
    fail(name.pos, "function " + quoted(name.text) + " is not enabled");
    return nullptr;
  }
  for (const auto& arg : e->args)
    if (!above(*e, arg.get()))
      return nullptr;
  return add_node(*e, name.pos, last_end()) ? std::move(e) : nullptr;
}

// `(a, b)`; the parenthesis is known to be next, or not for an aggregation.
bool parse_state::call_args(std::vector<expr_ptr>& out) {
  if (!accept(token_kind::left_paren)) {
    unexpected();
    return false;
  }
  if (accept(token_kind::right_paren))
    return true;
  while (true) {
    auto arg = expression(0);
    if (failed_)
      return false;
    out.push_back(std::move(arg));
    if (accept(token_kind::right_paren))
      return true;
    const auto comma = peek();
    if (!accept(token_kind::comma)) {
      unexpected();
      return false;
    }
    if (next_is(token_kind::right_paren)) {
      fail(comma.pos, "trailing commas not allowed in function call args");
      return false;
    }
  }
}

expr_ptr parse_state::aggregate() {
  const auto op = take();
  const auto outer = std::exchange(context_, "aggregation");
  auto e = std::make_unique<aggregate_expr>();
  e->op = aggregation(op.text);
  std::vector<expr_ptr> args;
  const auto modifier = [&] {
    if (!next_is(token_kind::by) && !next_is(token_kind::without))
      return false;
    e->without = take().kind == token_kind::without;
    grouping_labels(e->grouping);
    return true;
  };
  const bool modifier_first = modifier();
  if (failed_ || !call_args(args))
    return nullptr;
  if (!modifier_first)
    modifier();
  context_ = outer;
  if (failed_)
    return nullptr;
  const size_t wanted = has_param(e->op) ? 2 : 1;
  if (args.empty()) {
    fail(op.pos, "no arguments for aggregate expression provided");
    return nullptr;
  }
  if (e->op >= agg_op::limitk && !options_.enable_experimental_functions) {
    fail(op.pos, std::string(to_string(e->op)) +
                     "() is experimental and must be enabled with "
                     "--enable-feature=promql-experimental-functions");
    return nullptr;
  }
  if (args.size() != wanted) {
    fail(op.pos, "wrong number of arguments for aggregate expression provided, expected " +
                     std::to_string(wanted) + ", got " + std::to_string(args.size()));
    return nullptr;
  }
  for (const auto& arg : args)
    if (!above(*e, arg.get()))
      return nullptr;
  e->operand = std::move(args.back());
  if (wanted == 2)
    e->param = std::move(args.front());
  return add_node(*e, op.pos, last_end()) ? std::move(e) : nullptr;
}

// `(a, "b c", on)` into `out`.
bool parse_state::grouping_labels(std::vector<std::string>& out) {
  constexpr std::string_view context = "grouping opts";
  if (!accept(token_kind::left_paren)) {
    unexpected(context, "\"(\"");
    return false;
  }
  while (!accept(token_kind::right_paren)) {
    const auto& t = peek();
    if (t.kind == token_kind::string) {
      std::string name;
      const auto label = take();
      if (!string_value(label, name))
        return false;
      if (name.empty() || !is_valid_utf8(name)) {
        fail(label.pos, "invalid label name for grouping: " + quoted(name));
        return false;
      }
      out.push_back(std::move(name));
    } else if (can_name_label(t.kind)) {
      out.emplace_back(take().text);
    } else {
      unexpected(context, "label");
      return false;
    }
    if (next_is(token_kind::right_paren))
      continue;
    if (!accept(token_kind::comma)) {
      unexpected(context, "\",\" or \")\"");
      return false;
    }
  }
  return true;
}

// bool, on/ignoring, group_left/group_right, fill: what may stand behind an operator.
bool parse_state::binary_modifiers(binary_expr& e) {
  using enum token_kind;
  auto& m = *e.matching;
  e.return_bool = accept(bool_);
  if (next_is(on) || next_is(ignoring)) {
    m.on = take().kind == on;
    if (!grouping_labels(m.labels))
      return false;
    if (next_is(group_left) || next_is(group_right)) {
      m.card = take().kind == group_left ? vector_card::many_to_one : vector_card::one_to_many;
      if (next_is(left_paren) && !grouping_labels(m.include))
        return false;
    }
  }
  return fill_modifiers(m);
}

bool parse_state::fill_modifiers(vector_matching& m) {
  using enum token_kind;
  double value = 0;
  if (accept(fill)) {
    if (!fill_value(value))
      return false;
    m.fill_left = m.fill_right = value;
    return true;
  }
  for (int i = 0; i < 2; ++i) {
    const auto kind = peek().kind;
    const bool left = kind == token_kind::fill_left && !m.fill_left;
    const bool right = kind == token_kind::fill_right && !m.fill_right;
    if (!left && !right)
      return true;
    take();
    if (!fill_value(value))
      return false;
    (left ? m.fill_left : m.fill_right) = value;
  }
  return true;
}

bool parse_state::fill_value(double& out) {
  using enum token_kind;
  const auto want_paren = [&](token_kind k) {
    if (accept(k))
      return true;
    unexpected();
    return false;
  };
  if (!want_paren(left_paren))
    return false;
  const bool negate = next_is(sub);
  if (negate || next_is(add))
    take();
  if (!next_is(token_kind::number) && !next_is(token_kind::duration)) {
    unexpected();
    return false;
  }
  if (!number_value(take(), out))
    return false;
  out = negate ? -out : out;
  return want_paren(right_paren);
}

}  // namespace troupe::query
