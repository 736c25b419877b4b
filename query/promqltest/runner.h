// Runs promqltest scripts against a store and an engine. One thread; the backend is the caller's.
#pragma once

#include "query/engine/value.h"
#include "query/parser/parser.h"
#include "query/promqltest/script.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::query {

/// What a script needs: a store that can be emptied and filled, and an engine over it. The engine
/// should have every feature flag on, a lookback of 5 minutes and a default subquery step of 1
/// minute.
class script_backend {
 public:
  virtual ~script_backend() = default;
  virtual status clear() = 0;
  /// All series of one load command, samples by time; they must be visible to queries afterwards.
  virtual status load(std::span<const loaded_series> series) = 0;
  virtual result<query_result> instant(std::string_view expr, timestamp_ms ts) = 0;
  virtual result<query_result> range(std::string_view expr, timestamp_ms start, timestamp_ms end,
                                     int64_t step_ms) = 0;
};

struct run_options {
  /// Without: functions and syntax behind Prometheus' feature flags are skipped.
  bool experimental = true;
  /// Without, for a store that has none: evals that touch native histograms are skipped, the series
  /// not loaded.
  bool native_histograms = true;
  /// Evaluate each instant query again with `@` on every selector and as the middle of a range
  /// query, as Prometheus does.
  bool variants = true;
};

enum class eval_verdict : uint8_t { passed, failed, skipped };

struct eval_outcome {
  uint32_t line = 0;
  std::string expr;
  eval_verdict verdict = eval_verdict::passed;
  std::string detail;  ///< why it was skipped, or what was expected and what came
};

struct script_report {
  std::string name;
  std::vector<eval_outcome> evals;  ///< in the order of the script
  size_t count(eval_verdict v) const;
};

/// Runs all commands on an emptied store. A failing load counts as one failed eval at its line, and
/// the script goes on.
script_report run_script(const script& s, script_backend& backend, const run_options& options = {});

/// What run_script would do, without a backend: every eval is `passed` (would run) or `skipped`.
script_report plan_script(const script& s, const run_options& options = {});

/// `name:line: FAIL expr`, expected and got for each failure; with `list_skipped` also a line per
/// skipped eval.
void append_report(std::string& out, const script_report& report, bool list_skipped);
/// `name:line: run expr` or `name:line: skip expr (reason)` per eval.
void append_list(std::string& out, const script_report& plan);
/// "N passed, M failed, K skipped"
std::string summary(std::span<const script_report> reports);

/// An instant expression with `@ at` on every selector outside of a subquery that has one, as text.
/// Empty if the expression may depend on the evaluation time even so.
std::string with_fixed_time(std::string_view expr, timestamp_ms at);

}  // namespace troupe::query
