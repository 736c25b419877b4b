#include "query/parser/rewrite.h"

#include <algorithm>
#include <utility>

namespace troupe::query {
namespace {

// Calls `f` for `e` and every node below it.
template <class F>
void for_each_node(expr& e, const F& f) {
  f(e);
  for (expr* child : children(e))
    for_each_node(*child, f);
}

void set_matchers(vector_selector& s, matchers match) {
  s.match = std::move(match);
  const auto name = std::find_if(s.match.begin(), s.match.end(), [&](const matcher& m) {
    return m.op() == match_op::equal && m.name() == metric_name_label && m.value() == s.name;
  });
  if (name == s.match.end())
    s.name.clear();
  else
    std::rotate(name, name + 1, s.match.end());
}

void rewrite_selectors(expr& e, const matcher_rewrite& rewrite) {
  if (e.kind == node_kind::vector_selector) {
    auto& s = as<vector_selector>(e);
    set_matchers(s, rewrite(s.match));
    return;
  }
  if (e.kind == node_kind::call && as<call_expr>(e).func->name == "info")
    return rewrite_selectors(*as<call_expr>(e).args[0], rewrite);
  for (expr* child : children(e))
    rewrite_selectors(*child, rewrite);
}

void settle(time_shift& shift, const text_surroundings& here) {
  shift.offset_expr = nullptr;
  if (shift.at_edge != at_preprocessor::none)
    shift.at = shift.at_edge == at_preprocessor::start ? here.start : here.end;
  shift.at_edge = at_preprocessor::none;
}

}  // namespace

expr_ptr with_matchers(const expr& e, const matcher_rewrite& rewrite) {
  expr_ptr out = e.clone();
  rewrite_selectors(*out, rewrite);
  return out;
}

expr_ptr self_contained(const expr& e, const text_surroundings& here) {
  expr_ptr out = e.clone();
  for_each_node(*out, [&](expr& node) {
    if (node.kind == node_kind::vector_selector) {
      settle(as<vector_selector>(node).shift, here);
    } else if (node.kind == node_kind::matrix_selector) {
      as<matrix_selector>(node).range_expr = nullptr;
    } else if (node.kind == node_kind::subquery) {
      auto& q = as<subquery_expr>(node);
      settle(q.shift, here);
      q.range_expr = nullptr;
      q.step_expr = nullptr;
      if (q.step_ms == 0)
        q.step_ms = here.default_subquery_step_ms;
    }
  });
  return out;
}

}  // namespace troupe::query
