#include "query/engine/evaluator.h"

#include "query/engine/functions.h"
#include "query/engine/histogram_math.h"
#include "query/engine/operators.h"
#include "storage/base/check.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace troupe::query {

result<scalar_column> evaluator::scalar(const expr& e) {
  TROUPE_TRY(state_.limits.check());
  if (grid_.count > 1 && e.kind != node_kind::number && state_.invariant.contains(e)) {
    evaluator once(state_, {grid_.start, grid_.step, 1}, times_used_ * grid_.count);
    TROUPE_ASSIGN(const scalar_column one, once.scalar_node(e));
    return scalar_column(grid_.count, one[0]);
  }
  return scalar_node(e);
}

result<scalar_column> evaluator::scalar_node(const expr& e) {
  switch (e.kind) {
    case node_kind::number:
      return scalar_column(grid_.count, as<number_literal>(e).value);
    case node_kind::paren:
      return scalar(*as<paren_expr>(e).inner);
    case node_kind::unary: {
      const auto& u = as<unary_expr>(e);
      TROUPE_ASSIGN(scalar_column v, scalar(*u.operand));
      if (u.negate)
        for (double& x : v)
          x = -x;
      return v;
    }
    case node_kind::binary: {
      const auto& b = as<binary_expr>(e);
      TROUPE_ASSIGN(scalar_column lhs, scalar(*b.lhs));
      TROUPE_ASSIGN(const scalar_column rhs, scalar(*b.rhs));
      for (size_t i = 0; i < lhs.size(); ++i)
        lhs[i] = scalar_op(b.op, lhs[i], rhs[i]);
      return lhs;
    }
    case node_kind::call:
      return scalar_call(as<call_expr>(e));
    default:
      return {errc::internal, "expression is no scalar"};
  }
}

result<scalar_column> evaluator::scalar_call(const call_expr& e) {
  const std::string_view name = e.func->name;
  const auto constant = [&](double v) { return scalar_column(grid_.count, v); };
  if (name == "pi")
    return constant(std::numbers::pi);
  if (name == "step")
    return constant(static_cast<double>(state_.times.step_ms) / 1000);
  if (name == "range")
    return constant(static_cast<double>(state_.times.end - state_.times.start) / 1000);
  if (name == "start")
    return constant(static_cast<double>(state_.times.start) / 1000);
  if (name == "end")
    return constant(static_cast<double>(state_.times.end) / 1000);
  if (name == "time") {
    scalar_column out(grid_.count);
    for (uint32_t i = 0; i < grid_.count; ++i)
      out[i] = static_cast<double>(grid_.at(i)) / 1000;
    return out;
  }
  if (name == "scalar") {
    TROUPE_ASSIGN(const step_vector v, vector(*e.args[0]));
    return scalar_of(v, grid_.count);
  }
  if (name == "min_of" || name == "max_of") {
    TROUPE_ASSIGN(scalar_column a, scalar(*e.args[0]));
    TROUPE_ASSIGN(const scalar_column b, scalar(*e.args[1]));
    for (size_t i = 0; i < a.size(); ++i)
      a[i] = name == "min_of" ? go_min(a[i], b[i]) : go_max(a[i], b[i]);
    return a;
  }
  return {errc::unsupported, "function " + std::string(name) + "() is not implemented"};
}

result<step_vector> evaluator::vector(const expr& e) {
  TROUPE_TRY(state_.limits.check());
  if (grid_.count == 0)
    return step_vector(state_.limits);
  if (grid_.count > 1 && state_.invariant.contains(e))
    return invariant_vector(e);
  TROUPE_ASSIGN(auto merged, from_places(e));
  if (merged)
    return std::move(*merged);
  shared_selection* const known = shared(e);
  if (known && shared_ready(*known, e))
    return shared_vector(*known);
  auto out = vector_node(e);
  if (known && out.ok())
    known->call->met += out->series.size();
  return out;
}

// Evaluates once and repeats the result at every step.
result<step_vector> evaluator::invariant_vector(const expr& e) {
  evaluator once(state_, {grid_.start, grid_.step, 1}, times_used_ * grid_.count);
  TROUPE_ASSIGN(auto merged, once.from_places(e));
  auto one = merged ? result<step_vector>(std::move(*merged)) : once.vector_node(e);
  if (!one.ok())
    return one.error();
  step_vector out(state_.limits);
  for (step_series& s : one->series) {
    s.values.resize(grid_.count, s.values[0]);
    if (!s.histograms.empty())
      s.histograms.resize(grid_.count, histogram_ptr(s.histograms[0]));
    TROUPE_TRY(out.push(std::move(s)));
  }
  return out;
}

result<step_vector> evaluator::vector_node(const expr& e) {
  switch (e.kind) {
    case node_kind::vector_selector: {
      const auto& s = as<vector_selector>(e);
      return s.smoothed ? select_smoothed(s) : select(s, select_what::value);
    }
    case node_kind::paren:
      return vector(*as<paren_expr>(e).inner);
    case node_kind::unary:
      return negate(as<unary_expr>(e));
    case node_kind::binary:
      return binary(as<binary_expr>(e));
    case node_kind::aggregate:
      return aggregate(as<aggregate_expr>(e));
    case node_kind::call:
      return call(as<call_expr>(e));
    default:
      return {errc::internal, "expression is no instant vector"};
  }
}

result<step_vector> evaluator::negate(const unary_expr& e) {
  TROUPE_ASSIGN(step_vector v, vector(*e.operand));
  if (!e.negate)
    return v;
  for (step_series& s : v.series) {
    s.metric = unnamed(s.metric);
    s.drop_name = true;
    for (double& x : s.values)
      if (!is_absent(x))
        x = -x;
    for (histogram_ptr& h : s.histograms)
      if (h)
        h = scaled(*h, -1);
  }
  TROUPE_TRY(settle_names(v));
  return v;
}

result<step_vector> evaluator::call(const call_expr& e) {
  const std::string_view name = e.func->name;
  for (size_t i = 0; i < e.args.size(); ++i) {
    const node_kind kind = unwrap_parens(*e.args[i]).kind;
    if (kind == node_kind::matrix_selector || kind == node_kind::subquery)
      return range_call(e, i);
  }
  if (const auto f = find_float_function(name))
    return map_floats(e, f);
  if (const auto f = find_date_function(name))
    return date(e, f);
  if (const auto f = find_histogram_function(name))
    return map_histograms(e, f);
  using handler = result<step_vector> (evaluator::*)(const call_expr&);
  static constexpr std::pair<std::string_view, handler> handlers[] = {
      {"absent", &evaluator::absent_vector},
      {"clamp", &evaluator::clamp},
      {"clamp_max", &evaluator::clamp},
      {"clamp_min", &evaluator::clamp},
      {"histogram_fraction", &evaluator::histogram_fraction},
      {"histogram_quantile", &evaluator::histogram_quantile},
      {"histogram_quantiles", &evaluator::histogram_quantile},
      {"info", &evaluator::info},
      {"label_join", &evaluator::label_join},
      {"label_replace", &evaluator::label_replace},
      {"round", &evaluator::round},
      {"sort", &evaluator::sorted},
      {"sort_by_label", &evaluator::sorted},
      {"sort_by_label_desc", &evaluator::sorted},
      {"sort_desc", &evaluator::sorted},
      {"start_timestamp", &evaluator::start_timestamps},
      {"timestamp", &evaluator::timestamps},
      {"vector", &evaluator::vector_of},
  };
  for (const auto& [handled, f] : handlers)
    if (handled == name)
      return (this->*f)(e);
  return {errc::unsupported, "function " + std::string(name) + "() is not implemented"};
}

}  // namespace troupe::query
