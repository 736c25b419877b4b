#include "actors/commands/commands.h"
#include "actors/commands/temporary_store.h"
#include "actors/services.h"
#include "config/check_rules.h"
#include "pipeline/rules/go_templates.h"
#include "pipeline/ruletest/rule_test_runner.h"

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

}  // namespace troupe::actors
