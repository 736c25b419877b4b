#include "query/promqltest/runner.h"

#include "query/parser/printer.h"
#include "query/promqltest/compare.h"

#include <algorithm>

namespace troupe::query {
namespace {

constexpr int64_t minute_ms = 60'000;

// Calls `f` for each vector selector below `e`.
template <class F>
void each_selector(const expr& e, F f) {
  if (e.kind == node_kind::vector_selector)
    f(as<vector_selector>(e));
  for (const auto* child : children(e))
    each_selector(*child, f);
}

// Why an eval cannot run here, or "". `native` are the histogram series loaded before it.
std::string skip_reason(const eval_command& eval, const std::vector<labels>& native,
                        const run_options& options) {
  const auto parsed = parse(eval.expr, parse_options::everything());
  if (!parsed.ok())
    return {};  // the backend will say what is wrong
  if (!options.experimental)
    if (const auto stable = parse(eval.expr); !stable.ok())
      return "experimental: " + std::string(stable.error().message());
  if (options.native_histograms)
    return {};
  if (eval.expects_histograms())
    return "native histograms: in the expected result";
  std::string reason;
  each_selector(**parsed, [&](const vector_selector& v) {
    for (const auto& series : native)
      if (reason.empty() && matches_all(v.match, series))
        reason = "native histograms: in the data (" + series.to_string() + ")";
  });
  return reason;
}

// Functions whose value depends on the evaluation time even if their selectors do not.
bool depends_on_time(const expr& e) {
  static constexpr std::string_view names[] = {
      "days_in_month", "day_of_month", "day_of_week",    "day_of_year",    "hour",      "minute",
      "month",         "year",         "predict_linear", "time",           "timestamp", "start",
      "end",           "step",         "range",          "start_timestamp"};
  if (e.kind == node_kind::call &&
      std::ranges::find(names, as<call_expr>(e).func->name) != std::end(names))
    return true;
  return std::ranges::any_of(children(e),
                             [](const auto* child) { return depends_on_time(*child); });
}

void fix_time(expr& e, timestamp_ms at) {
  if (e.kind == node_kind::subquery) {
    // Selectors below a subquery with a fixed time are left alone.
    auto& shift = as<subquery_expr>(e).shift;
    if (!shift.at)
      shift.at = at;
    return;
  }
  if (e.kind == node_kind::vector_selector) {
    auto& shift = as<vector_selector>(e).shift;
    if (!shift.at)
      shift.at = at;
  }
  for (auto* child : children(e))
    fix_time(*child, at);
}

bool calls_query_context(std::string_view expr) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"start()", "end()", "range()", "step()"},
      [&](auto call) { return expr.find(call) != std::string_view::npos; });
}

class eval_runner {
 public:
  eval_runner(const eval_command& want, script_backend& backend) : want_(want), backend_(backend) {}

  /// Empty if all is as expected.
  std::string run(bool variants) {
    if (want_.is_range)
      return check(backend_.range(want_.expr, want_.start, want_.end, want_.step_ms));
    auto problem = instant(want_.expr, want_.at);
    if (!problem.empty() || !variants)
      return problem;
    const auto fixed = with_fixed_time(want_.expr, want_.at);
    if (fixed.empty())
      return {};
    const auto at = want_.at;
    const std::vector<timestamp_ms> times =
        at == 0 ? std::vector<timestamp_ms>{-1000, 0, 1000}
                : std::vector<timestamp_ms>{-10 * at, 0, at / 5, at, 10 * at};
    for (const auto ts : times)
      if (problem = instant(fixed, ts); !problem.empty())
        return "as " + fixed + " at " + std::to_string(ts) + " ms: " + problem;
    return {};
  }

 private:
  std::string check(const result<query_result>& got) {
    if (!got.ok())
      return compare_failure(want_, got.error());
    if (want_.fail)
      return "expected an error matching " + want_.fail_match.describe() + "\n  got      none";
    auto problem = compare_annotations(want_, *got);
    return problem.empty() ? compare_value(want_, got->value) : problem;
  }

  // The query, then the same as the middle of three steps.
  std::string instant(std::string_view expr, timestamp_ms at) {
    const auto got = backend_.instant(expr, at);
    auto problem = check(got);
    if (!problem.empty() || !got.ok() || want_.ordered || want_.range_vector || want_.text ||
        calls_query_context(expr))
      return problem;
    const auto ranged = backend_.range(expr, at - minute_ms, at + minute_ms, minute_ms);
    if (!ranged.ok())
      return "in range mode: error: " + std::string(ranged.error().message());
    problem = compare_value(want_, middle(std::get<matrix_value>(ranged->value), at,
                                          got->type() == value_type::scalar));
    return problem.empty() ? problem : "in range mode: " + problem;
  }

  static query_value middle(const matrix_value& matrix, timestamp_ms at, bool scalar) {
    vector_value out;
    for (const auto& s : matrix) {
      for (const auto& p : s.floats)
        if (p.ts == at)
          out.push_back({s.metric, at, p.value, nullptr});
      for (const auto& p : s.histograms)
        if (p.ts == at)
          out.push_back({s.metric, at, 0, p.value});
    }
    if (scalar && out.size() == 1)
      return scalar_value{at, out[0].value};
    return out;
  }

  const eval_command& want_;
  script_backend& backend_;
};

// `backend` null: only plans.
script_report walk(const script& s, script_backend* backend, const run_options& options) {
  script_report report{s.name, {}};
  std::vector<labels> native;
  const auto note = [&](uint32_t line, std::string what, const status& done) {
    if (!done.ok())
      report.evals.push_back(
          {line, std::move(what), eval_verdict::failed, std::string(done.message())});
  };
  if (backend != nullptr)
    note(0, "clear", backend->clear());
  for (const auto& command : s.commands) {
    if (const auto* load = std::get_if<load_command>(&command.what)) {
      for (const auto& h : load->histogram_series)
        native.push_back(h.series);
      if (backend == nullptr)
        continue;
      note(command.line, "load", backend->load(load->series));
      if (options.native_histograms && !load->histogram_series.empty())
        note(command.line, "load", backend->load(load->histogram_series));
    } else if (const auto* eval = std::get_if<eval_command>(&command.what)) {
      eval_outcome out{command.line, eval->expr, eval_verdict::skipped,
                       skip_reason(*eval, native, options)};
      if (out.detail.empty()) {
        if (backend != nullptr)
          out.detail = eval_runner(*eval, *backend).run(options.variants);
        out.verdict = out.detail.empty() ? eval_verdict::passed : eval_verdict::failed;
      }
      report.evals.push_back(std::move(out));
    } else {
      native.clear();
      if (backend != nullptr)
        note(command.line, "clear", backend->clear());
    }
  }
  return report;
}

std::string place(const script_report& report, const eval_outcome& e) {
  return report.name + ":" + std::to_string(e.line) + ": ";
}

}  // namespace

size_t script_report::count(eval_verdict v) const {
  return static_cast<size_t>(std::ranges::count(evals, v, &eval_outcome::verdict));
}

script_report run_script(const script& s, script_backend& backend, const run_options& options) {
  return walk(s, &backend, options);
}

script_report plan_script(const script& s, const run_options& options) {
  return walk(s, nullptr, options);
}

void append_report(std::string& out, const script_report& report, bool list_skipped) {
  for (const auto& e : report.evals) {
    if (e.verdict == eval_verdict::failed)
      out += place(report, e) + "FAIL " + e.expr + "\n  " + e.detail + "\n";
    else if (e.verdict == eval_verdict::skipped && list_skipped)
      out += place(report, e) + "skip " + e.expr + " (" + e.detail + ")\n";
  }
}

void append_list(std::string& out, const script_report& plan) {
  for (const auto& e : plan.evals)
    out += e.verdict == eval_verdict::skipped
               ? place(plan, e) + "skip " + e.expr + " (" + e.detail + ")\n"
               : place(plan, e) + "run " + e.expr + "\n";
}

std::string summary(std::span<const script_report> reports) {
  size_t counts[3] = {};
  for (const auto& r : reports)
    for (const auto& e : r.evals)
      ++counts[static_cast<size_t>(e.verdict)];
  return std::to_string(counts[0]) + " passed, " + std::to_string(counts[1]) + " failed, " +
         std::to_string(counts[2]) + " skipped";
}

std::string with_fixed_time(std::string_view text, timestamp_ms at) {
  const auto parsed = parse(text, parse_options::everything());
  if (!parsed.ok() || depends_on_time(**parsed))
    return {};
  fix_time(**parsed, at);
  return to_string(**parsed);
}

}  // namespace troupe::query
