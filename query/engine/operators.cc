#include "query/engine/operators.h"

#include "query/engine/histogram_math.h"
#include "query/engine/histogram_trim.h"

namespace troupe::query {
namespace {

element_result incompatible(bin_op op, const element& lhs, const element& rhs, position_range pos,
                            annotations& notes) {
  const auto type = [](const element& e) { return e.histogram ? "histogram" : "float"; };
  notes.info(note::incompatible_types(type(lhs), to_string(op), type(rhs)), pos);
  return {{}, false, false};
}

element_result of_histogram(histogram_ptr h) {
  return {{0, std::move(h)}, true, true};
}

element_result histogram_sum(bin_op op, const element& lhs, const element& rhs, position_range pos,
                             annotations& notes) {
  const bool sub = op == bin_op::sub;
  const char* operation = sub ? "subtraction" : "addition";
  wide_histogram w(*lhs.histogram);
  const combine_result r = sub ? w.sub(*rhs.histogram) : w.add(*rhs.histogram);
  if (!r.compatible) {
    notes.warn(note::incompatible_bucket_layout(to_string(op)), pos);
    return {{}, false, false};
  }
  if (sub)
    w.set_hint(counter_reset_hint::gauge);
  if (r.reconciled)
    notes.info(note::mismatched_custom_buckets(operation), pos);
  if (r.reset_collision) {
    notes.warn(note::counter_reset_collision(operation), pos);
    return {{}, false, false};
  }
  return of_histogram(w.build());
}

}  // namespace

bool compare(bin_op op, double lhs, double rhs) {
  switch (op) {
    case bin_op::eql:
      return lhs == rhs;
    case bin_op::neq:
      return lhs != rhs;
    case bin_op::lss:
      return lhs < rhs;
    case bin_op::lte:
      return lhs <= rhs;
    case bin_op::gtr:
      return lhs > rhs;
    default:
      return lhs >= rhs;
  }
}

double scalar_op(bin_op op, double lhs, double rhs) {
  switch (op) {
    case bin_op::add:
      return lhs + rhs;
    case bin_op::sub:
      return lhs - rhs;
    case bin_op::mul:
      return lhs * rhs;
    case bin_op::div:
      return lhs / rhs;
    case bin_op::mod:
      return std::fmod(lhs, rhs);
    case bin_op::pow:
      return std::pow(lhs, rhs);
    case bin_op::atan2:
      return std::atan2(lhs, rhs);
    default:
      return compare(op, lhs, rhs) ? 1 : 0;
  }
}

bool changes_metric(bin_op op) {
  return op <= bin_op::atan2;
}

element_result element_op(bin_op op, const element& lhs, const element& rhs, position_range pos,
                          annotations& notes) {
  const bool trim = op == bin_op::trim_upper || op == bin_op::trim_lower;
  if (!lhs.histogram && !rhs.histogram) {
    if (trim)
      return incompatible(op, lhs, rhs, pos, notes);
    if (is_comparison(op))
      return {lhs, true, compare(op, lhs.value, rhs.value)};
    return {{scalar_op(op, lhs.value, rhs.value), nullptr}, true, true};
  }
  if (!lhs.histogram)
    return op == bin_op::mul ? of_histogram(scaled(*rhs.histogram, lhs.value))
                             : incompatible(op, lhs, rhs, pos, notes);
  if (!rhs.histogram) {
    if (op == bin_op::mul)
      return of_histogram(scaled(*lhs.histogram, rhs.value));
    if (op == bin_op::div)
      return of_histogram(divided(*lhs.histogram, rhs.value));
    if (trim)
      return of_histogram(trimmed(*lhs.histogram, rhs.value, op == bin_op::trim_upper));
    return incompatible(op, lhs, rhs, pos, notes);
  }
  if (op == bin_op::add || op == bin_op::sub)
    return histogram_sum(op, lhs, rhs, pos, notes);
  if (op == bin_op::eql || op == bin_op::neq)
    return {lhs, true, same_histogram(*lhs.histogram, *rhs.histogram) == (op == bin_op::eql)};
  return incompatible(op, lhs, rhs, pos, notes);
}

}  // namespace troupe::query
