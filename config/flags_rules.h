// The grammar of `troupe check rules` and `troupe test rules`. One owner; used while a command line
// is parsed.
#pragma once

#include "config/rules_command.h"

#include <memory>

namespace CLI {
class App;
}

namespace troupe::config {

class rules_grammar {
 public:
  rules_grammar();
  ~rules_grammar();

  /// Adds "rules" to the subcommands "check" and "test".
  void add_to(CLI::App& check, CLI::App& test);
  bool checks() const;
  bool tests() const;
  check_rules_command check() const;
  test_rules_command test() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::config
