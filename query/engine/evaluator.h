// Evaluates an expression at the steps of a grid, series by series. One evaluator per grid: a
// subquery or a step-invariant part makes its own. Lives on the stack of one query.
#pragma once

#include "query/engine/analysis.h"
#include "query/engine/annotations.h"
#include "query/engine/budget.h"
#include "query/engine/engine.h"
#include "query/engine/parting.h"
#include "query/engine/parts.h"
#include "query/engine/shared_calls.h"
#include "query/engine/step_vector.h"
#include "query/engine/value.h"
#include "query/parser/ast.h"
#include "storage/querier.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::query {

struct range_source;
struct range_input;

/// A second of a day; days count from 1970-01-01.
struct moment {
  int64_t day = 0;
  int64_t second = 0;
};

/// What all evaluators of a query share.
struct query_state {
  const engine_options& options;
  query_times times;
  int64_t lookback_ms = 0;
  storage::queryable& data;
  std::string_view tenant;
  storage::querier& source;
  const expr& root;  ///< as the caller has it
  const invariant_nodes& invariant;
  const figure_selectors& figures;
  budget& limits;
  annotations& notes;
  query_stats& stats;
  std::vector<uint64_t> samples_per_step;  ///< of the outermost grid; empty unless asked for
  shared_calls* shared = nullptr;
  part_evaluator* parts = nullptr;
  const parting* parted = nullptr;  ///< null without parts
};

/// A scalar at every step.
using scalar_column = std::vector<double>;

class evaluator {
 public:
  /// `times_used`: how many steps of the outermost grid share each step of this one (statistics);
  /// 0 if its samples are counted elsewhere.
  evaluator(query_state& state, step_grid grid, uint64_t times_used = 1)
      : state_(state), grid_(grid), times_used_(times_used) {}

  /// `e` has that type. Errors: execution, timeout, canceled, resource_exhausted, the storage's.
  result<scalar_column> scalar(const expr& e);
  result<step_vector> vector(const expr& e);
  /// A range selector or subquery at the only step of the grid, sorted by labels.
  result<matrix_value> matrix(const expr& e);

 private:
  // evaluator.cc
  result<step_vector> vector_node(const expr& e);
  result<scalar_column> scalar_node(const expr& e);
  result<scalar_column> scalar_call(const call_expr& e);
  result<step_vector> invariant_vector(const expr& e);
  result<step_vector> negate(const unary_expr& e);
  result<step_vector> call(const call_expr& e);
  bool delayed_names() const { return state_.options.enable_delayed_name_removal; }
  labels unnamed(const labels& metric) const {
    return delayed_names() ? metric : drop_metadata_labels(metric);
  }
  /// Ends a node that dropped metric names: joins or refuses series that became the same.
  status settle_names(step_vector& v) const {
    return delayed_names() ? status{} : merge_same_labelset(v);
  }

  // parts.cc
  /// `e` of merged answers to a part; nothing if there is no such part, or more to be asked for.
  result<std::optional<step_vector>> from_places(const expr& e);

  // selectors.cc
  using series_reader = std::function<status(const labels&, storage::sample_columns&)>;
  /// The times `s` refers to at each step.
  std::vector<timestamp_ms> reference_times(const time_shift& shift) const;
  struct series_request {
    std::span<const matcher> match;
    timestamp_ms min = 0;
    timestamp_ms max = 0;
    int64_t range_ms = 0;
    std::string_view function;
    bool detect_resets = false;  ///< histograms of unknown reset hint get one
    /// Not null: runs of floats may be reduced to their first, least, greatest and last, in this
    /// order, with timestamps in between; here is how many are left out.
    uint64_t* left_out = nullptr;
  };
  /// Calls `each` for every series with samples in [min, max], in label order.
  status for_each_series(const series_request& request, const series_reader& each);
  enum class select_what : uint8_t { value, timestamp, start_timestamp, info_time };
  result<step_vector> select(const vector_selector& s, select_what what);
  result<step_vector> select(series_request request, std::span<const timestamp_ms> refs,
                             select_what what);
  result<step_vector> select_smoothed(const vector_selector& s);
  void count_samples(uint32_t step, uint64_t samples);

  // range_call.cc
  result<step_grid> subquery_grid(const subquery_expr& q) const;
  result<step_vector> range_call(const call_expr& e, size_t matrix_arg);
  /// Also says whether the name of the series is to be dropped.
  using range_reader = std::function<status(const labels&, bool, storage::sample_columns&)>;
  /// `left_out`: as that of series_request.
  status for_each_range(const range_source& source, std::string_view function,
                        const range_reader& each, uint64_t* left_out = nullptr);
  status hold_windows(const range_input& in, held& window);
  result<step_vector> absences(const step_vector& found, const expr& arg);

  // shared_calls.cc
  /// What of `e` may be shared with other expressions, or null.
  shared_selection* shared(const expr& e) const;
  /// Whether the values of all its series are at hand; reads those that are not yet.
  bool shared_ready(shared_selection& s, const expr& e);
  bool read_shared(const shared_selection& s, const expr& e);
  bool shared_groups_ready(shared_selection& s, const aggregate_expr& e);
  /// What vector() and aggregate() give, of a selection that is ready.
  result<step_vector> shared_vector(const shared_selection& s);
  result<step_vector> shared_aggregate(agg_op op, const shared_selection& s);

  // aggregations.cc, aggregations_select.cc
  result<step_vector> aggregate(const aggregate_expr& e);
  result<step_vector> count_values(const aggregate_expr& e);
  result<step_vector> select_k(const aggregate_expr& e, const scalar_column& param,
                               const step_vector& in);

  // binary_ops.cc, vector_matching.cc, set_ops.cc
  result<step_vector> binary(const binary_expr& e);
  result<step_vector> vector_scalar(const binary_expr& e, const expr& vector_side,
                                    const expr& scalar_side, bool scalar_left);
  result<step_vector> vector_vector(const binary_expr& e);
  result<step_vector> set_operation(const binary_expr& e);

  // functions_*.cc
  result<step_vector> map_floats(const call_expr& e, double (*f)(double));
  result<step_vector> clamp(const call_expr& e);
  result<step_vector> round(const call_expr& e);
  result<step_vector> date(const call_expr& e, double (*f)(moment));
  result<step_vector> vector_of(const call_expr& e);
  result<step_vector> absent_vector(const call_expr& e);
  result<step_vector> sorted(const call_expr& e);
  result<step_vector> timestamps(const call_expr& e);
  result<step_vector> start_timestamps(const call_expr& e);
  result<step_vector> label_replace(const call_expr& e);
  result<step_vector> label_join(const call_expr& e);
  result<step_vector> map_histograms(const call_expr& e, double (*f)(const histogram&));
  result<step_vector> histogram_quantile(const call_expr& e);
  result<step_vector> histogram_fraction(const call_expr& e);
  result<step_vector> info(const call_expr& e);

  query_state& state_;
  step_grid grid_;
  uint64_t times_used_;
};

/// The labels absent() and absent_over_time() derive from the matchers of a selector.
labels absent_labels(const expr& arg);

}  // namespace troupe::query
