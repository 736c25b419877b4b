#include "config/flags_rules.h"

#include "storage/base/duration.h"

#include <CLI/CLI.hpp>

namespace troupe::config {

struct rules_grammar::impl {
  CLI::App* check_app = nullptr;
  CLI::App* test_app = nullptr;
  CLI::App* backfill_app = nullptr;
  check_rules_command check;
  test_rules_command test;
  backfill_rules_command backfill;
  std::string lint = "duplicate-rules";
  std::string eval_interval = "60s", timeout = "5m";
};

rules_grammar::rules_grammar() : impl_(std::make_unique<impl>()) {}
rules_grammar::~rules_grammar() = default;

void rules_grammar::add_to(CLI::App& program, CLI::App& check, CLI::App& test) {
  impl_->check_app = check.add_subcommand("rules");
  impl_->check_app->add_option("--lint", impl_->lint)
      ->check(CLI::IsMember({"all", "duplicate-rules", "none"}));
  impl_->check_app->add_flag("--lint-fatal", impl_->check.lint_fatal);
  impl_->check_app->add_option("files", impl_->check.files)->required();
  impl_->test_app = test.add_subcommand("rules");
  impl_->test_app->add_option("--run", impl_->test.run)->allow_extra_args(false);
  impl_->test_app->add_option("files", impl_->test.files)->required();
  auto* rules_app = program.add_subcommand("rules");
  rules_app->require_subcommand(1);
  impl_->backfill_app = rules_app->add_subcommand("backfill");
  impl_->backfill_app->add_option("--url", impl_->backfill.server);
  impl_->backfill_app->add_option("--start", impl_->backfill.start)->required();
  impl_->backfill_app->add_option("--end", impl_->backfill.end);
  impl_->backfill_app->add_option("--eval-interval", impl_->eval_interval);
  impl_->backfill_app->add_option("--http.config.file", impl_->backfill.http_config_file);
  impl_->backfill_app->add_option("--timeout", impl_->timeout);
  impl_->backfill_app->add_option("files", impl_->backfill.files)->required();
  for (auto* sub : {impl_->check_app, impl_->test_app, rules_app, impl_->backfill_app})
    sub->set_help_flag();
}

bool rules_grammar::checks() const {
  return impl_->check_app->parsed();
}

bool rules_grammar::tests() const {
  return impl_->test_app->parsed();
}

bool rules_grammar::backfills() const {
  return impl_->backfill_app->parsed();
}

check_rules_command rules_grammar::check() const {
  auto out = impl_->check;
  out.lint = impl_->lint != "none";
  return out;
}

test_rules_command rules_grammar::test() const {
  return impl_->test;
}

result<backfill_rules_command> rules_grammar::backfill() const {
  auto out = impl_->backfill;
  const auto positive = [](const std::string& text, const char* flag) -> result<int64_t> {
    const auto ms = parse_duration(text);
    if (!ms.ok())
      return ms.error().with_context(flag);
    if (*ms <= 0)
      return {errc::invalid_argument, std::string(flag) + ": must be more than 0"};
    return *ms;
  };
  TROUPE_ASSIGN(out.eval_interval_ms, positive(impl_->eval_interval, "--eval-interval"));
  TROUPE_ASSIGN(out.timeout_ms, positive(impl_->timeout, "--timeout"));
  return out;
}

}  // namespace troupe::config
