#include "pipeline/ruletest/rule_test_runner.h"

#include "config/defaults.h"
#include "config/glob.h"
#include "pipeline/api/params.h"
#include "pipeline/rules/engine_door.h"
#include "pipeline/rules/rule_group.h"
#include "pipeline/ruletest/expectations.h"
#include "pipeline/ruletest/test_input.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"
#include "storage/base/regex.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace troupe::rules {
namespace {

using groups_by_key = std::map<std::string, config::rule_group_config>;

/// One test on its own store.
class test_run {
 public:
  test_run(const config::rule_test_file& file, const config::rule_test& test, test_store& store,
           const rule_test_options& options)
      : file_(file), test_(test), store_(store), engine_(engine_options(options), clk_) {
    settings_.external_labels = test.external_labels;
    settings_.external_url = test.external_url;
    settings_.templates = options.templates;
    overrides_.default_subquery_step_ms = file.evaluation_interval_ms;
  }

  std::vector<std::string> run(const groups_by_key& groups) {
    if (const auto s = prepare(groups); !s.ok())
      return {std::string(s.message())};
    for (const auto& t : test_.alerts)
      if (t.alert_name.empty())
        return {"an item under alert_rule_test misses required attribute alertname at eval_time " +
                format_duration(t.eval_time_ms) +
                (test_.name.empty() ? "" : " (in TestGroup " + test_.name + ")")};
    if (evaluate())
      check_expressions();
    return std::move(errors_);
  }

 private:
  static query::engine_options engine_options(const rule_test_options& options) {
    query::engine_options out;
    out.timeout_ms = 100'000;
    out.parse = options.parse;
    return out;
  }

  status prepare(const groups_by_key& groups) {
    if (!test_.start_time.empty()) {
      TROUPE_ASSIGN(start_, api::parse_time(test_.start_time));
    }
    TROUPE_ASSIGN(auto input, test_input::parse(test_, start_));
    input_ = std::make_unique<test_input>(std::move(input));
    TROUPE_TRY(store_.clear());
    door_ = std::make_unique<engine_door>(engine_, store_.data(), "", overrides_);
    group_defaults defaults;
    defaults.interval_ms = test_.interval_ms;
    defaults.parse = engine_.options().parse;
    const auto place = [this](const std::string& name) {
      const auto& order = file_.group_eval_order;
      const auto at = std::find(order.begin(), order.end(), name);
      return at == order.end() ? 0 : at - order.begin();
    };
    std::multimap<std::ptrdiff_t, group_definition_ptr> ordered;
    for (const auto& [key, config] : groups) {
      TROUPE_ASSIGN(auto definition, define_group(config, defaults));
      ordered.emplace(place(config.name), std::move(definition));
    }
    for (auto& [at, definition] : ordered)
      groups_.emplace_back(std::move(definition), settings_, clk_);
    return {};
  }

  int64_t last_time() const {
    int64_t out = 0;
    for (const auto& t : test_.alerts)
      out = std::max(out, t.eval_time_ms);
    for (const auto& t : test_.expressions)
      out = std::max(out, t.eval_time_ms);
    return out;
  }

  /// All instants; false if a rule failed.
  bool evaluate() {
    for (int64_t at = 0; at <= last_time(); at += file_.evaluation_interval_ms) {
      if (const auto batch = input_->until(start_ + at))
        note(store_.append(batch));
      const size_t before = errors_.size();
      for (auto& g : groups_)
        evaluate(g, at);
      if (errors_.size() > before)
        return false;
      for (const auto& t : test_.alerts)
        if (at <= t.eval_time_ms && t.eval_time_ms < at + file_.evaluation_interval_ms)
          check_alerts(t);
    }
    return true;
  }

  void evaluate(rule_group& g, int64_t at) {
    for (size_t stage = 0; stage < g.definition().stages.size(); ++stage)
      for (const auto& o : g.evaluate(stage, {start_ + at, false}, *door_))
        g.stored(o.rule, store_.append(o.batch), 0);
    for (size_t i = 0; i < g.definition().rules.size(); ++i)
      if (const auto& error = g.status_of(i).last_error; !error.empty())
        errors_.push_back("    rule: " + g.definition().rules[i].name +
                          ", time: " + format_duration(at) + ", err: " + error);
  }

  void note(const status& s) {
    if (!s.ok())
      errors_.emplace_back(s.message());
  }

  void check_alerts(const config::alert_rule_test& t) {
    std::vector<alert> firing;
    for (const auto& g : groups_)
      for (size_t i = 0; i < g.definition().rules.size(); ++i) {
        const auto& rule = g.definition().rules[i];
        if (!rule.alerting || rule.name != t.alert_name)
          continue;
        for (auto& a : g.alerts_of(i).active())
          if (a.state == alert_state::firing)
            firing.push_back(std::move(a));
      }
    if (auto difference = compare_alerts(t, firing); !difference.empty())
      errors_.push_back((test_.name.empty() ? "" : "    name: " + test_.name + ",\n") +
                        "    alertname: " + t.alert_name +
                        ", time: " + format_duration(t.eval_time_ms) + ",\n" + difference);
  }

  void check_expressions() {
    for (const auto& t : test_.expressions) {
      const auto got = door_->evaluate(t.expr, start_ + t.eval_time_ms);
      const auto difference = got.ok() ? compare_samples(t, *got, file_.fuzzy_compare)
                                       : "err: " + std::string(got.error().message());
      if (!difference.empty())
        errors_.push_back("    expr: " + quoted(t.expr) +
                          ", time: " + format_duration(t.eval_time_ms) + ", " + difference);
    }
  }

  const config::rule_test_file& file_;
  const config::rule_test& test_;
  test_store& store_;
  manual_clock clk_;
  query::engine engine_;
  query::query_overrides overrides_;
  alert_settings settings_;
  timestamp_ms start_ = 0;
  std::unique_ptr<test_input> input_;
  std::unique_ptr<engine_door> door_;
  std::vector<rule_group> groups_;
  std::vector<std::string> errors_;
};

// The rule groups of all files that the patterns find, by file and name.
bool load_groups(const config::rule_test_file& tests, file_system& fs,
                 const config::load_options& options, groups_by_key& out,
                 rule_test_report& report) {
  for (const auto& pattern : tests.rule_files) {
    const auto files = config::glob(fs, pattern);
    if (!files.ok()) {
      report.errors.emplace_back(files.error().message());
      return false;
    }
    if (files->empty())
      report.warnings.push_back("no file match pattern " + pattern);
    for (const auto& file : *files) {
      const auto text = read_file(fs, file, config::defaults::max_file_bytes);
      if (!text.ok()) {
        report.errors.emplace_back(text.error().message());
        return false;
      }
      config::diagnostics found;
      for (auto& g : config::parse_rule_file(*text, file, true, options, found))
        out.insert_or_assign(group_key(file, g.name), std::move(g));
      for (const auto& d : found)
        report.errors.push_back(d.to_string());
    }
  }
  return report.errors.empty();
}

result<std::vector<regex>> patterns_of(const std::vector<std::string>& texts) {
  std::vector<regex> out;
  for (const auto& text : texts) {
    TROUPE_ASSIGN(auto pattern, regex::compile("(?s:.*)(?:" + text + ")(?s:.*)"));
    out.push_back(std::move(pattern));
  }
  return out;
}

}  // namespace

rule_test_report run_rule_tests(const std::string& path, file_system& fs, test_store& store,
                                const rule_test_options& options) {
  rule_test_report report;
  const auto fail = [&report](std::string why) {
    report.errors.push_back(std::move(why));
    return std::move(report);
  };
  const auto text = read_file(fs, path, config::defaults::max_file_bytes);
  if (!text.ok())
    return fail(std::string(text.error().message()));
  config::diagnostics found;
  const auto file = config::parse_rule_test_file(*text, path, found);
  for (const auto& d : found)
    report.errors.push_back(d.to_string());
  std::set<std::string> ordered;
  for (const auto& name : file.group_eval_order)
    if (!ordered.insert(name).second)
      return fail("group name repeated in evaluation order: " + name);
  const auto run = patterns_of(options.run);
  if (!run.ok())
    return fail(std::string(run.error().message()));
  if (!report.errors.empty())
    return report;
  groups_by_key groups;
  rule_test_report loaded;
  load_groups(file, fs, options.load, groups, loaded);
  report.warnings = std::move(loaded.warnings);
  for (const auto& test : file.tests) {
    if (!run->empty() && std::none_of(run->begin(), run->end(),
                                      [&](const regex& r) { return r.matches(test.name); }))
      continue;
    ++report.tests;
    // Each test loads the rules, so that without tests nothing is wrong with them.
    auto errors =
        loaded.errors.empty() ? test_run(file, test, store, options).run(groups) : loaded.errors;
    report.errors.insert(report.errors.end(), std::make_move_iterator(errors.begin()),
                         std::make_move_iterator(errors.end()));
  }
  return report;
}

}  // namespace troupe::rules
