#include "config/flags_rules.h"

#include <CLI/CLI.hpp>

namespace troupe::config {

struct rules_grammar::impl {
  CLI::App* check_app = nullptr;
  CLI::App* test_app = nullptr;
  check_rules_command check;
  test_rules_command test;
  std::string lint = "duplicate-rules";
};

rules_grammar::rules_grammar() : impl_(std::make_unique<impl>()) {}
rules_grammar::~rules_grammar() = default;

void rules_grammar::add_to(CLI::App& check, CLI::App& test) {
  impl_->check_app = check.add_subcommand("rules");
  impl_->check_app->add_option("--lint", impl_->lint)
      ->check(CLI::IsMember({"all", "duplicate-rules", "none"}));
  impl_->check_app->add_flag("--lint-fatal", impl_->check.lint_fatal);
  impl_->check_app->add_option("files", impl_->check.files)->required();
  impl_->test_app = test.add_subcommand("rules");
  impl_->test_app->add_option("--run", impl_->test.run)->allow_extra_args(false);
  impl_->test_app->add_option("files", impl_->test.files)->required();
  for (auto* sub : {impl_->check_app, impl_->test_app})
    sub->set_help_flag();
}

bool rules_grammar::checks() const {
  return impl_->check_app->parsed();
}

bool rules_grammar::tests() const {
  return impl_->test_app->parsed();
}

check_rules_command rules_grammar::check() const {
  auto out = impl_->check;
  out.lint = impl_->lint != "none";
  return out;
}

test_rules_command rules_grammar::test() const {
  return impl_->test;
}

}  // namespace troupe::config
