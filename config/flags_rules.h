// The grammar of `troupe check rules`, `troupe test rules` and `troupe rules backfill`. One owner;
// used while a command line is parsed.
#pragma once

#include "config/rules_command.h"
#include "storage/base/result.h"

#include <memory>

namespace CLI {
class App;
}

namespace troupe::config {

class rules_grammar {
 public:
  rules_grammar();
  ~rules_grammar();

  /// Adds "rules" to the subcommands "check" and "test", and to the program.
  void add_to(CLI::App& program, CLI::App& check, CLI::App& test);
  bool checks() const;
  bool tests() const;
  bool backfills() const;
  check_rules_command check() const;
  test_rules_command test() const;
  /// invalid_argument for a duration that is none.
  result<backfill_rules_command> backfill() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::config
