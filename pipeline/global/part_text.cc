#include "pipeline/global/part_text.h"

#include "pipeline/global/matching.h"
#include "query/parser/printer.h"
#include "query/parser/rewrite.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace troupe::global {
namespace {

using query::as;
using query::expr;
using query::expr_ptr;
using query::node_kind;

// No series has both.
matchers nothing() {
  return {matcher::equal(std::string(region_label), ""),
          *matcher::make(match_op::not_equal, std::string(region_label), "")};
}

expr_ptr text_literal(std::string value) {
  auto out = std::make_unique<query::string_literal>();
  out->value = std::move(value);
  return out;
}

// label_replace(e, "region", <region>, "region", ""): where there is no label, it is this one.
expr_ptr labelled(expr_ptr e, const std::string& region) {
  auto out = std::make_unique<query::call_expr>();
  out->func = query::find_function("label_replace");
  out->args.push_back(std::move(e));
  for (const auto& text :
       {std::string(region_label), region, std::string(region_label), std::string()})
    out->args.push_back(text_literal(text));
  return out;
}

bool is_kind(const expr& e, node_kind kind) {
  return query::unwrap_parens(e).kind == kind;
}

// Its result has the labels of the series that its argument, which takes no label_replace, selects.
bool reads_samples(const query::call_expr& call) {
  return std::any_of(call.args.begin(), call.args.end(), [&](const expr_ptr& a) {
    return is_kind(*a, node_kind::matrix_selector) ||
           (call.func->name == "timestamp" && is_kind(*a, node_kind::vector_selector));
  });
}

void label_series(expr_ptr& e, const std::string& region) {
  const auto below = [&](expr_ptr& child) {
    if (child != nullptr)
      label_series(child, region);
  };
  switch (e->kind) {
    case node_kind::vector_selector:
      e = labelled(std::move(e), region);
      return;
    case node_kind::call:
      if (reads_samples(as<query::call_expr>(*e))) {
        e = labelled(std::move(e), region);
        return;
      }
      for (auto& a : as<query::call_expr>(*e).args)
        below(a);
      return;
    case node_kind::subquery:
      return below(as<query::subquery_expr>(*e).inner);
    case node_kind::unary:
      return below(as<query::unary_expr>(*e).operand);
    case node_kind::binary:
      below(as<query::binary_expr>(*e).lhs);
      return below(as<query::binary_expr>(*e).rhs);
    case node_kind::aggregate:
      below(as<query::aggregate_expr>(*e).operand);
      return below(as<query::aggregate_expr>(*e).param);
    case node_kind::paren:
      return below(as<query::paren_expr>(*e).inner);
    default:
      return;
  }
}

struct traits {
  size_t selectors = 0;
  bool names_label = false;  ///< the label may be named, or made, somewhere below the root
};

void look(const expr& e, traits& out) {
  if (e.kind == node_kind::vector_selector)
    ++out.selectors;
  if (e.kind == node_kind::aggregate) {
    const auto& a = as<query::aggregate_expr>(e);
    out.names_label =
        out.names_label || a.op == query::agg_op::count_values ||
        std::find(a.grouping.begin(), a.grouping.end(), region_label) != a.grouping.end();
  }
  if (e.kind == node_kind::call)
    out.names_label = out.names_label || as<query::call_expr>(e).func->name.starts_with("label_");
  for (const expr* child : query::children(e))
    look(*child, out);
}

bool keeps_series(query::agg_op op) {
  using query::agg_op;
  return op == agg_op::topk || op == agg_op::bottomk || op == agg_op::limitk ||
         op == agg_op::limit_ratio;
}

// With one selector, whose series all get the same label, only the result can tell: not if it is
// grouped by other labels.
bool label_matters(const expr& part) {
  const expr& root = query::unwrap_parens(part);
  if (root.kind != node_kind::aggregate)
    return true;
  const auto& a = as<query::aggregate_expr>(root);
  traits found;
  look(root, found);
  return a.without || keeps_series(a.op) || found.selectors != 1 || found.names_label;
}

}  // namespace

std::optional<std::string> text_for(const expr& part, const std::string& region) {
  bool meant = false;
  expr_ptr out = query::with_matchers(part, [&](const matchers& ms) {
    auto own = own_matchers(ms, region);
    meant = meant || own.has_value();
    return own ? std::move(*own) : nothing();
  });
  if (!meant)
    return std::nullopt;
  if (label_matters(*out))
    label_series(out, region);
  return query::to_string(*out);
}

}  // namespace troupe::global
