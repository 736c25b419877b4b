// troupe: one binary for a whole monitoring stack. Parses the command line and runs what it names.
#include "actors/commands/commands.h"
#include "actors/serve.h"
#include "config/flags.h"
#include "query/parser/parser.h"
#include "storage/base/allocator.h"
#include "storage/base/fault_twin.h"

#include <cstdlib>
#include <iostream>
#include <string_view>

int main(int argc, char** argv) {
  using namespace troupe;
  tune_allocator();
#ifdef TROUPE_FAULT_TWINS
  // A test build only: plants the bug that tests/e2e must catch.
  if (const char* twin = std::getenv("TROUPE_FAULT_TWIN");
      twin && std::string_view(twin) == "skip_fsync")
    active_fault_twin = fault_twin::skip_fsync;
#endif
  auto files = make_posix_file_system();
  auto command = config::parse_command_line(
      {argv + 1, argv + argc}, *files,
      {[](std::string_view selector) { return query::parse_metric_selector(selector).error(); }});
  switch (command.run) {
    case config::command_line::command::serve:
      return actors::serve(command);
    case config::command_line::command::check_config:
      return actors::run_check_config(command.check, *files, std::cout, std::cerr);
    case config::command_line::command::check_rules:
      return actors::run_check_rules(command.check_rules, *files, std::cout, std::cerr);
    case config::command_line::command::test_rules:
      return actors::run_test_rules(command.test_rules, *files, std::cout, std::cerr);
    case config::command_line::command::backfill_rules:
      return actors::run_backfill_rules(command.backfill_rules, *files, std::cout, std::cerr);
    case config::command_line::command::test_promql:
      return actors::run_test_promql(command.test, *files, std::cout);
    case config::command_line::command::query:
      return actors::run_query(command.query, *files, std::cout, std::cerr);
    case config::command_line::command::bench:
      return actors::run_bench(command.bench, *files, std::cout, std::cerr);
    case config::command_line::command::storage:
      return actors::run_storage(command.storage, *files, std::cout, std::cerr);
    case config::command_line::command::replay:
      return actors::run_replay(command.replay, *files, std::cout, std::cerr);
    case config::command_line::command::drill:
      return actors::run_drill(command.drill, *files, std::cout, std::cerr);
    case config::command_line::command::print:
      break;
  }
  std::cout << command.out;
  std::cerr << command.err;
  return command.exit_code;
}
