// Binary operators: which kind of operands, and a vector with a scalar.
#include "query/engine/evaluator.h"
#include "query/engine/operators.h"

#include <utility>

namespace troupe::query {

result<step_vector> evaluator::binary(const binary_expr& e) {
  const bool left_vector = e.lhs->type() == value_type::vector;
  const bool right_vector = e.rhs->type() == value_type::vector;
  if (left_vector && right_vector)
    return is_set_operator(e.op) ? set_operation(e) : vector_vector(e);
  return left_vector ? vector_scalar(e, *e.lhs, *e.rhs, false)
                     : vector_scalar(e, *e.rhs, *e.lhs, true);
}

result<step_vector> evaluator::vector_scalar(const binary_expr& e, const expr& vector_side,
                                             const expr& scalar_side, bool scalar_left) {
  TROUPE_ASSIGN(step_vector v, vector(vector_side));
  TROUPE_ASSIGN(const scalar_column scalars, scalar(scalar_side));
  const bool comparison = is_comparison(e.op);
  const bool rename = changes_metric(e.op) || e.return_bool;
  step_vector out(state_.limits);
  step_scratch scratch;
  for (const step_series& s : v.series) {
    TROUPE_TRY(state_.limits.check());
    scratch.reset(grid_.count);
    for (uint32_t i = s.first; i < s.end(); ++i) {
      const double x = s.value_at(i);
      const histogram_ptr& h = s.histogram_at(i);
      if (!is_absent(x) && !h) {
        const double l = scalar_left ? scalars[i] : x;
        const double r = scalar_left ? x : scalars[i];
        // Which operators take two floats is element_op's matter for the rare ones.
        if (changes_metric(e.op)) {
          scratch.set(i, scalar_op(e.op, l, r));
          continue;
        }
        if (comparison) {
          const bool holds = compare(e.op, l, r);
          if (e.return_bool)
            scratch.set(i, holds ? 1.0 : 0.0);
          else if (holds)
            scratch.set(i, x);
          continue;
        }
      } else if (!h) {
        continue;
      }
      const element vector_element{h ? 0 : x, h};
      const element scalar_element{scalars[i], nullptr};
      element_result r =
          scalar_left ? element_op(e.op, scalar_element, vector_element, e.pos, state_.notes)
                      : element_op(e.op, vector_element, scalar_element, e.pos, state_.notes);
      if (!r.valid || !r.keep)
        continue;
      if (r.out.histogram)
        scratch.set(i, std::move(r.out.histogram));
      else
        scratch.set(i, r.out.value);
    }
    TROUPE_TRY(out.push(rename ? unnamed(s.metric) : s.metric, s.drop_name || rename, scratch));
  }
  if (rename)
    TROUPE_TRY(settle_names(out));
  return out;
}

}  // namespace troupe::query
