// The grammar of `troupe drill`. One owner; used while a command line is parsed.
#pragma once

#include "config/drill_command.h"
#include "storage/base/result.h"

#include <memory>
#include <string_view>

namespace CLI {
class App;
}

namespace troupe::config {

class drill_grammar {
 public:
  drill_grammar();
  ~drill_grammar();

  void add_to(CLI::App& app);
  bool parsed() const;
  bool wants_help() const;
  static std::string_view help();
  /// The command; invalid_argument for values that make no sense, the flag named.
  result<drill_command> finish();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::config
