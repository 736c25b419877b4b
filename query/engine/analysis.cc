#include "query/engine/analysis.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace troupe::query {
namespace {

// Functions that look at the evaluation time itself.
bool depends_on_step(std::string_view function) {
  constexpr std::array names = {
      std::string_view("day_of_month"), std::string_view("day_of_week"),
      std::string_view("day_of_year"),  std::string_view("days_in_month"),
      std::string_view("hour"),         std::string_view("minute"),
      std::string_view("month"),        std::string_view("predict_linear"),
      std::string_view("time"),         std::string_view("timestamp"),
      std::string_view("year")};
  return std::find(names.begin(), names.end(), function) != names.end();
}

bool is_pinned(const time_shift& shift) {
  return shift.at.has_value() || shift.at_edge != at_preprocessor::none;
}

bool is_info(const expr& e) {
  return e.kind == node_kind::call && as<call_expr>(e).func->name == "info";
}

class bounds_finder {
 public:
  bounds_finder(const query_times& times, int64_t lookback_ms)
      : times_(times), lookback_(lookback_ms) {}

  // `start` and `end` are the first and the last time `e` is evaluated at.
  void visit(const expr& e, timestamp_ms start, timestamp_ms end) {
    switch (e.kind) {
      case node_kind::vector_selector: {
        const auto& s = as<vector_selector>(e);
        shift(s.shift, start, end);
        add(saturating_sub(start, lookback_ - 1),
            s.smoothed ? saturating_add(end, lookback_) : end);
        return;
      }
      case node_kind::matrix_selector: {
        const auto& m = as<matrix_selector>(e);
        const auto& s = m.vector();
        shift(s.shift, start, end);
        const int64_t before = s.anchored || s.smoothed ? lookback_ : 0;
        add(saturating_sub(start, m.range_ms + before - 1),
            s.smoothed ? saturating_add(end, lookback_) : end);
        return;
      }
      case node_kind::subquery: {
        const auto& q = as<subquery_expr>(e);
        shift(q.shift, start, end);
        visit(*q.inner, saturating_sub(start, q.range_ms), end);
        return;
      }
      default:
        if (is_info(e))
          visit_info(as<call_expr>(e), start, end);
        else
          for (const expr* child : children(e))
            visit(*child, start, end);
    }
  }

  time_bounds found() const { return min_ > max_ ? time_bounds{} : time_bounds{min_, max_}; }

 private:
  void shift(const time_shift& s, timestamp_ms& start, timestamp_ms& end) const {
    if (const auto at = pinned_time(s, times_)) {
      start = *at;
      end = *at;
    }
    start = saturating_sub(start, s.offset_ms);
    end = saturating_sub(end, s.offset_ms);
  }
  // info() reads its info series at the (shifted) times of its first argument.
  void visit_info(const call_expr& e, timestamp_ms start, timestamp_ms end) {
    visit(*e.args[0], start, end);
    if (const vector_selector* base = first_selector(*e.args[0]))
      shift(base->shift, start, end);
    add(saturating_sub(start, lookback_ - 1), end);
  }
  void add(timestamp_ms min, timestamp_ms max) {
    min_ = std::min(min_, min);
    max_ = std::max(max_, max);
  }

  const query_times& times_;
  int64_t lookback_;
  timestamp_ms min_ = std::numeric_limits<int64_t>::max();
  timestamp_ms max_ = std::numeric_limits<int64_t>::min();
};

}  // namespace

std::optional<timestamp_ms> pinned_time(const time_shift& shift, const query_times& times) {
  if (shift.at_edge == at_preprocessor::start)
    return times.start;
  if (shift.at_edge == at_preprocessor::end)
    return times.end;
  return shift.at;
}

const vector_selector* first_selector(const expr& e) {
  if (e.kind == node_kind::vector_selector)
    return &as<vector_selector>(e);
  for (const expr* child : children(e))
    if (const vector_selector* found = first_selector(*child))
      return found;
  return nullptr;
}

bool invariant_nodes::visit(const expr& e) {
  // The second argument of info() is no vector of its own.
  if (is_info(e)) {
    const bool invariant = visit(*as<call_expr>(e).args[0]);
    if (invariant)
      nodes_.insert(&e);
    return invariant;
  }
  // All children are visited, also where the first one already decides.
  bool all = true;
  for (const expr* child : children(e))
    all = visit(*child) && all;
  // What a subquery yields depends on its own time range alone, not on the step's time, once
  // pinned.
  const bool invariant =
      e.kind == node_kind::subquery ? is_pinned(as<subquery_expr>(e).shift) : all && judge(e);
  if (invariant)
    nodes_.insert(&e);
  return invariant;
}

bool invariant_nodes::judge(const expr& e) {
  switch (e.kind) {
    case node_kind::vector_selector:
      return is_pinned(as<vector_selector>(e).shift);
    case node_kind::call:
      return !depends_on_step(as<call_expr>(e).func->name);
    default:
      return true;
  }
}

// Anything that needs whole histograms between the root and the selector bars it.
void figure_selectors::visit(const expr& e, bool wanted, bool barred) {
  if (e.kind == node_kind::vector_selector) {
    if (wanted && !barred)
      selectors_.insert(&e);
    return;
  }
  if (e.kind == node_kind::subquery)
    barred = true;
  if (e.kind == node_kind::call) {
    const std::string_view name = as<call_expr>(e).func->name;
    if (name == "histogram_count" || name == "histogram_sum" || name == "histogram_avg")
      wanted = true;
    else if (name == "histogram_quantile" || name == "histogram_fraction" ||
             name == "histogram_quantiles")
      barred = true;
  }
  for (const expr* child : children(e))
    visit(*child, wanted, barred);
}

time_bounds needed_bounds(const expr& root, const query_times& times, int64_t lookback_ms) {
  bounds_finder finder(times, lookback_ms);
  finder.visit(root, times.start, times.end);
  return finder.found();
}

}  // namespace troupe::query
