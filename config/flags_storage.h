// The grammar of `troupe storage`, kept apart from the server's flags. One owner; used while a
// command line is parsed.
#pragma once

#include "config/storage_command.h"
#include "storage/base/result.h"

#include <memory>
#include <string_view>

namespace CLI {
class App;
}

namespace troupe::config {

class storage_grammar {
 public:
  storage_grammar();
  ~storage_grammar();

  /// Adds the subcommand "storage" with its own subcommands.
  void add_to(CLI::App& app);
  bool parsed() const;
  /// The command as given; invalid_argument names the flag that is wrong.
  result<storage_command> finish();
  /// Usage and flags, as `troupe storage --help` prints them.
  static std::string_view help();
  bool wants_help() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::config
