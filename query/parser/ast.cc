#include "query/parser/ast.h"

namespace troupe::query {
namespace {

expr_ptr clone_of(const expr_ptr& e) {
  return e ? e->clone() : nullptr;
}

// A new node of the same position and height.
template <class T>
std::unique_ptr<T> like(const T& from) {
  auto to = std::make_unique<T>();
  to->pos = from.pos;
  to->height = from.height;
  return to;
}

template <class E>
std::vector<E*> children_of(E& e) {
  std::vector<E*> out;
  const auto add = [&](const expr_ptr& child) {
    if (child)
      out.push_back(child.get());
  };
  switch (e.kind) {
    case node_kind::matrix_selector:
      add(as<matrix_selector>(e).selector);
      break;
    case node_kind::subquery:
      add(as<subquery_expr>(e).inner);
      break;
    case node_kind::unary:
      add(as<unary_expr>(e).operand);
      break;
    case node_kind::binary:
      add(as<binary_expr>(e).lhs);
      add(as<binary_expr>(e).rhs);
      break;
    case node_kind::aggregate:
      add(as<aggregate_expr>(e).param);
      add(as<aggregate_expr>(e).operand);
      break;
    case node_kind::call:
      for (const auto& arg : as<call_expr>(e).args)
        add(arg);
      break;
    case node_kind::paren:
      add(as<paren_expr>(e).inner);
      break;
    case node_kind::number:
    case node_kind::string:
    case node_kind::vector_selector:
    case node_kind::duration:
      break;
  }
  return out;
}

}  // namespace

std::string_view to_string(bin_op op) {
  switch (op) {
    case bin_op::add:
      return "+";
    case bin_op::sub:
      return "-";
    case bin_op::mul:
      return "*";
    case bin_op::div:
      return "/";
    case bin_op::mod:
      return "%";
    case bin_op::pow:
      return "^";
    case bin_op::atan2:
      return "atan2";
    case bin_op::eql:
      return "==";
    case bin_op::neq:
      return "!=";
    case bin_op::lss:
      return "<";
    case bin_op::lte:
      return "<=";
    case bin_op::gtr:
      return ">";
    case bin_op::gte:
      return ">=";
    case bin_op::trim_upper:
      return "</";
    case bin_op::trim_lower:
      return ">/";
    case bin_op::land:
      return "and";
    case bin_op::lor:
      return "or";
    case bin_op::lunless:
      break;
  }
  return "unless";
}

std::string_view to_string(agg_op op) {
  switch (op) {
    case agg_op::sum:
      return "sum";
    case agg_op::avg:
      return "avg";
    case agg_op::count:
      return "count";
    case agg_op::min:
      return "min";
    case agg_op::max:
      return "max";
    case agg_op::group:
      return "group";
    case agg_op::stddev:
      return "stddev";
    case agg_op::stdvar:
      return "stdvar";
    case agg_op::topk:
      return "topk";
    case agg_op::bottomk:
      return "bottomk";
    case agg_op::count_values:
      return "count_values";
    case agg_op::quantile:
      return "quantile";
    case agg_op::limitk:
      return "limitk";
    case agg_op::limit_ratio:
      break;
  }
  return "limit_ratio";
}

std::string_view to_string(vector_card card) {
  switch (card) {
    case vector_card::one_to_one:
      return "one-to-one";
    case vector_card::many_to_one:
      return "many-to-one";
    case vector_card::one_to_many:
      return "one-to-many";
    case vector_card::many_to_many:
      break;
  }
  return "many-to-many";
}

expr_ptr number_literal::clone() const {
  auto to = like(*this);
  to->value = value;
  to->duration = duration;
  return to;
}

expr_ptr string_literal::clone() const {
  auto to = like(*this);
  to->value = value;
  return to;
}

expr_ptr duration_expr::clone() const {
  auto to = like(*this);
  to->op = op;
  to->lhs = clone_of(lhs);
  to->rhs = clone_of(rhs);
  to->wrapped = wrapped;
  return to;
}

time_shift time_shift::clone() const {
  time_shift to;
  to.offset_ms = offset_ms;
  to.offset_expr = clone_of(offset_expr);
  to.at = at;
  to.at_edge = at_edge;
  return to;
}

expr_ptr vector_selector::clone() const {
  auto to = like(*this);
  to->name = name;
  to->match = match;
  to->shift = shift.clone();
  to->anchored = anchored;
  to->smoothed = smoothed;
  return to;
}

expr_ptr matrix_selector::clone() const {
  auto to = like(*this);
  to->selector = clone_of(selector);
  to->range_ms = range_ms;
  to->range_expr = clone_of(range_expr);
  return to;
}

expr_ptr subquery_expr::clone() const {
  auto to = like(*this);
  to->inner = clone_of(inner);
  to->range_ms = range_ms;
  to->range_expr = clone_of(range_expr);
  to->step_ms = step_ms;
  to->step_expr = clone_of(step_expr);
  to->shift = shift.clone();
  return to;
}

expr_ptr unary_expr::clone() const {
  auto to = like(*this);
  to->negate = negate;
  to->operand = clone_of(operand);
  return to;
}

value_type binary_expr::type() const {
  return lhs->type() == value_type::scalar && rhs->type() == value_type::scalar
             ? value_type::scalar
             : value_type::vector;
}

expr_ptr binary_expr::clone() const {
  auto to = like(*this);
  to->op = op;
  to->return_bool = return_bool;
  to->lhs = clone_of(lhs);
  to->rhs = clone_of(rhs);
  to->matching = matching;
  return to;
}

expr_ptr aggregate_expr::clone() const {
  auto to = like(*this);
  to->op = op;
  to->operand = clone_of(operand);
  to->param = clone_of(param);
  to->without = without;
  to->grouping = grouping;
  return to;
}

expr_ptr call_expr::clone() const {
  auto to = like(*this);
  to->func = func;
  for (const auto& arg : args)
    to->args.push_back(clone_of(arg));
  return to;
}

expr_ptr paren_expr::clone() const {
  auto to = like(*this);
  to->inner = clone_of(inner);
  return to;
}

std::vector<const expr*> children(const expr& e) {
  return children_of(e);
}

std::vector<expr*> children(expr& e) {
  return children_of(e);
}

const expr& unwrap_parens(const expr& e) {
  const expr* at = &e;
  while (at->kind == node_kind::paren)
    at = as<paren_expr>(*at).inner.get();
  return *at;
}

expr& unwrap_parens(expr& e) {
  return const_cast<expr&>(unwrap_parens(std::as_const(e)));
}

}  // namespace troupe::query
