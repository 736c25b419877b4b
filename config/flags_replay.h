// The grammar of `troupe replay`. One owner; used while a command line is parsed.
#pragma once

#include "config/replay_command.h"
#include "storage/base/result.h"

#include <memory>
#include <string_view>

namespace CLI {
class App;
}

namespace troupe::config {

class replay_grammar {
 public:
  replay_grammar();
  ~replay_grammar();

  void add_to(CLI::App& app);
  bool parsed() const;
  bool wants_help() const;
  static std::string_view help();
  /// The command; invalid_argument for values that make no sense, the flag named.
  result<replay_command> finish();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::config
