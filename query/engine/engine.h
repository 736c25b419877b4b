// The PromQL engine: expression and time in, value out. Holds settings only; run() may be called
// from any thread, each call works synchronously on its caller's thread and starts none.
#pragma once

#include "query/engine/value.h"
#include "query/parser/ast.h"
#include "query/parser/parser.h"
#include "storage/base/clock.h"
#include "storage/base/memory_budget.h"
#include "storage/base/result.h"
#include "storage/querier.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::query {

class part_evaluator;
class shared_calls;

struct engine_options {
  uint64_t max_samples = 50'000'000;       ///< held in memory at one time by one query
  uint64_t max_memory_bytes = 2ULL << 30;  ///< of intermediate and final results of one query
  int64_t timeout_ms = 120'000;            ///< 0: none
  int64_t lookback_ms = 300'000;  ///< how long a sample stays valid for an instant selector
  int64_t default_subquery_step_ms = 60'000;  ///< for `[1h:]`: the global evaluation interval
  bool enable_delayed_name_removal = false;
  bool enable_type_and_unit_labels = false;
  bool enable_per_step_stats = false;  ///< else query_overrides::per_step_stats does nothing
  bool use_start_timestamps = false;   ///< rate and its like see start (created) timestamps
  parse_options parse;

  /// Every feature flag on, as Prometheus' own test suite runs.
  static engine_options everything() {
    engine_options o;
    o.enable_delayed_name_removal = true;
    o.enable_per_step_stats = true;
    o.use_start_timestamps = true;
    o.parse = parse_options::everything();
    return o;
  }
};

/// What one call may set for itself.
struct query_overrides {
  int64_t lookback_ms = 0;               ///< 0: the engine's
  int64_t timeout_ms = 0;                ///< 0: the engine's; never longer than that
  int64_t default_subquery_step_ms = 0;  ///< 0: the engine's
  bool per_step_stats = false;
  /// Set by another thread to stop the query; looked at for every series. May be null.
  const std::atomic<bool>* cancel = nullptr;
  /// Of an instant query: what it may share with others of the same engine, source, tenant and
  /// overrides. Warnings, infos and statistics of what others have read are left out. Null:
  /// nothing. The parsed expression must live as long as this.
  shared_calls* shared = nullptr;
  /// Who evaluates parts of the expression where their series are (parts.h); `shared` is then of no
  /// use. Null: all series are read through the source.
  part_evaluator* parts = nullptr;
};

/// Prometheus' errorType of a failed query.
enum class query_error : uint8_t { bad_data, execution, timeout, canceled, unavailable, internal };
/// "bad_data", "execution", "timeout", "canceled", "unavailable", "internal".
std::string_view to_string(query_error e);
/// bad_data: the expression or its parameters; execution: evaluation failed or hit a limit (too
/// many samples, too much memory); internal: the storage failed.
query_error classify(const status& failed);

class engine {
 public:
  /// `clock` is only used for deadlines and statistics; `memory` is the process' budget, or null.
  /// Both must outlive the engine.
  engine(engine_options options, const troupe::clock& clock, memory_budget* memory = nullptr);

  const engine_options& options() const { return options_; }

  /// The value at `ts`: whatever type the expression has.
  result<query_result> instant(storage::queryable& source, std::string_view tenant,
                               std::string_view text, timestamp_ms ts,
                               const query_overrides& overrides = {}) const;
  /// The same for an expression parsed before (rules); `text` is what it was parsed from.
  result<query_result> instant(storage::queryable& source, std::string_view tenant,
                               const expr& parsed, std::string_view text, timestamp_ms ts,
                               const query_overrides& overrides = {}) const;

  /// A matrix with a point per step in [start, end], sorted by labels. `step_ms` > 0. The
  /// expression must be a scalar or an instant vector. Points per series are the caller's matter.
  result<query_result> range(storage::queryable& source, std::string_view tenant,
                             std::string_view text, timestamp_ms start, timestamp_ms end,
                             int64_t step_ms, const query_overrides& overrides = {}) const;
  result<query_result> range(storage::queryable& source, std::string_view tenant,
                             const expr& parsed, std::string_view text, timestamp_ms start,
                             timestamp_ms end, int64_t step_ms,
                             const query_overrides& overrides = {}) const;

 private:
  struct call;
  result<query_result> run(const call& c) const;

  engine_options options_;
  const troupe::clock& clock_;
  memory_budget* const memory_;
};

}  // namespace troupe::query
