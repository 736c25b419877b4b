#include "actors/commands/commands.h"
#include "actors/commands/temporary_store.h"
#include "actors/services.h"
#include "config/check_rules.h"
#include "config/defaults.h"
#include "config/load.h"
#include "pipeline/api/params.h"
#include "pipeline/backfill/rule_backfill.h"
#include "pipeline/rules/go_templates.h"
#include "pipeline/ruletest/rule_test_runner.h"

#include <unistd.h>

#include <ostream>

namespace troupe::actors {

namespace {

class store_of_test final : public rules::test_store {
 public:
  explicit store_of_test(file_system& fs) : store_(fs) {}
  status clear() override { return store_.clear(); }
  status append(const batch_ptr& batch) override { return store_.append(batch); }
  storage::queryable& data() override { return store_.data(); }

 private:
  temporary_store store_;
};

/// The groups of all files; false if there are errors, which are printed.
bool read_groups(const config::backfill_rules_command& c, file_system& fs,
                 std::vector<rules::group_definition_ptr>& groups, std::ostream& err) {
  const auto load = load_options_of({});
  config::diagnostics errors;
  rules::group_defaults defaults;
  defaults.interval_ms = c.eval_interval_ms;
  for (const auto& file : c.files) {
    const auto text = read_file(fs, file, config::defaults::max_file_bytes);
    if (!text.ok()) {
      errors.push_back({.file = file, .message = std::string(text.error().message())});
      continue;
    }
    for (const auto& g : config::parse_rule_file(*text, file, true, load, errors)) {
      auto defined = rules::define_group(g, defaults);
      if (defined.ok())
        groups.push_back(std::move(*defined));
      else
        errors.push_back(
            {.file = file, .field = g.name, .message = std::string(defined.error().message())});
    }
  }
  if (!errors.empty())
    err << config::join(errors) << "\n";
  return errors.empty();
}

result<backfill::rule_backfill_report> backfill_from(
    const config::backfill_rules_command& c, std::span<const rules::group_definition_ptr> groups,
    file_system& fs, std::ostream& err) {
  const system_clock clk;
  backfill::rule_backfill_options o;
  TROUPE_ASSIGN(o.start, api::parse_time(c.start));
  o.end = clk.now_ms();
  if (!c.end.empty()) {
    TROUPE_ASSIGN(o.end, api::parse_time(c.end));
  }
  if (o.end < o.start)
    return {errc::invalid_argument, "--end is before --start"};
  config::http_client_config client;
  if (!c.http_config_file.empty()) {
    TROUPE_ASSIGN(client, config::load_http_client_config(fs, c.http_config_file));
  }
  TROUPE_ASSIGN(const auto server,
                client::api_client::create(c.server, client, fs, clk, c.timeout_ms));
  client::progress shown(isatty(STDERR_FILENO) != 0 ? &err : nullptr, clk, "instants");
  return backfill::backfill_rules(groups, o, *server, clk, shown);
}

}  // namespace

int run_check_rules(const config::check_rules_command& c, file_system& fs, std::ostream& out,
                    std::ostream& err) {
  std::string good, bad;
  const int code = config::check_rule_files(c, fs, load_options_of({}), good, bad);
  out << good;
  err << bad;
  return code;
}

int run_test_rules(const config::test_rules_command& c, file_system& fs, std::ostream& out,
                   std::ostream& err) {
  store_of_test store(fs);
  rules::rule_test_options options;
  options.load = load_options_of({});
  options.run = c.run;
  const rules::go_templates templates;
  options.templates = &templates;
  bool failed = false;
  for (const auto& file : c.files) {
    const auto report = rules::run_rule_tests(file, fs, store, options);
    for (const auto& w : report.warnings)
      err << "  WARNING: " << w << "\n";
    if (report.errors.empty()) {
      out << "  SUCCESS\n\n";
      continue;
    }
    failed = true;
    err << "  FAILED:\n";
    for (const auto& e : report.errors)
      err << e << "\n";
    out << "\n";
  }
  return failed ? 1 : 0;
}

int run_backfill_rules(const config::backfill_rules_command& c, file_system& fs, std::ostream& out,
                       std::ostream& err) {
  std::vector<rules::group_definition_ptr> groups;
  if (!read_groups(c, fs, groups, err))
    return 1;
  const auto report = backfill_from(c, groups, fs, err);
  if (!report.ok()) {
    err << "error: " << report.error().message() << "\n";
    return 1;
  }
  out << report->rules << " recording rules evaluated, " << report->samples << " samples stored";
  if (report->alerts_passed_over != 0)
    out << ", " << report->alerts_passed_over << " alerting rules passed over";
  out << "\n";
  return 0;
}

}  // namespace troupe::actors
