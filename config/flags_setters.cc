#include "config/flags_setters.h"

#include <CLI/CLI.hpp>

namespace troupe::config {

void add_repeated(CLI::App& app, const std::string& name, std::vector<std::string>& to) {
  app.add_option(name, to)->expected(1)->allow_extra_args(false)->multi_option_policy(
      CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace troupe::config
