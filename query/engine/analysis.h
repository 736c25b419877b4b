// What is known of an expression before it is evaluated: which parts do not depend on the step, and
// what span of time it reads. Pure functions of a checked tree with resolved durations.
#pragma once

#include "query/parser/ast.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_set>

namespace troupe::query {

/// a - b, held at the ends of the range instead of overflowing.
constexpr int64_t saturating_sub(int64_t a, int64_t b) {
  int64_t out = 0;
  if (!__builtin_sub_overflow(a, b, &out))
    return out;
  return b > 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}
constexpr int64_t saturating_add(int64_t a, int64_t b) {
  int64_t out = 0;
  if (!__builtin_add_overflow(a, b, &out))
    return out;
  return b > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

/// The times a query was asked for; `step_ms` is 0 for an instant query.
struct query_times {
  timestamp_ms start = 0;
  timestamp_ms end = 0;
  int64_t step_ms = 0;
};

/// The time `@` pins a selector or subquery to, if any.
std::optional<timestamp_ms> pinned_time(const time_shift& shift, const query_times& times);

/// The first vector selector below `e` in the order of the text, or null.
const vector_selector* first_selector(const expr& e);

/// The nodes whose value is the same at every step (all their selectors are pinned by `@`).
class invariant_nodes {
 public:
  explicit invariant_nodes(const expr& root) { visit(root); }
  bool contains(const expr& e) const { return nodes_.contains(&e); }

 private:
  bool visit(const expr& e);
  bool judge(const expr& e);
  std::unordered_set<const expr*> nodes_;
};

/// The selectors of which only count and sum of histograms are used: those under histogram_count,
/// histogram_sum or histogram_avg, with no subquery and no quantile or fraction above.
class figure_selectors {
 public:
  explicit figure_selectors(const expr& root) { visit(root, false, false); }
  bool contains(const vector_selector& s) const { return selectors_.contains(&s); }

 private:
  void visit(const expr& e, bool wanted, bool barred);
  std::unordered_set<const expr*> selectors_;
};

struct time_bounds {
  timestamp_ms min = 0;
  timestamp_ms max = 0;
};

/// The smallest [min, max] that holds every sample the query may read; {0, 0} without selectors.
time_bounds needed_bounds(const expr& root, const query_times& times, int64_t lookback_ms);

}  // namespace troupe::query
