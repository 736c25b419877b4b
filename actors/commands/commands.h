// The subcommands of the binary beside serving. Each returns the process' exit code and prints to
// the given streams.
#pragma once

#include "config/flags.h"
#include "storage/base/file_system.h"

#include <iosfwd>

namespace troupe::actors {

/// `troupe check config FILE…`
int run_check_config(const config::check_config_command& c, file_system& fs, std::ostream& out,
                     std::ostream& err);
/// `troupe check rules FILE…`
int run_check_rules(const config::check_rules_command& c, file_system& fs, std::ostream& out,
                    std::ostream& err);
/// `troupe test rules FILE…`: what is not as expected, file by file; 1 if there is anything.
int run_test_rules(const config::test_rules_command& c, file_system& fs, std::ostream& out,
                   std::ostream& err);
/// `troupe rules backfill --start=TIME FILE…`: evaluates recording rules over the past through a
/// server's API and stores the results there.
int run_backfill_rules(const config::backfill_rules_command& c, file_system& fs, std::ostream& out,
                       std::ostream& err);
/// `troupe test promql FILE…`: each failure with expected and got, then "N passed, M failed, K
/// skipped".
int run_test_promql(const config::test_promql_command& c, file_system& fs, std::ostream& out);
/// `troupe query instant|range|series|labels` against any Prometheus-compatible server.
int run_query(const config::query_command& c, file_system& fs, std::ostream& out,
              std::ostream& err);

/// `troupe bench write|scrape|query|churn|audit` against any Prometheus-compatible server; 1 if
/// something failed or an audit found a fault.
int run_bench(const config::bench_command& c, file_system& fs, std::ostream& out,
              std::ostream& err);

/// `troupe storage analyze|verify|dump|import|export` on a data folder; 1 if something failed or is
/// damaged.
int run_storage(const config::storage_command& c, file_system& fs, std::ostream& out,
                std::ostream& err);

/// `troupe replay`: writes what a Kafka topic holds of a time to a receiver of remote write; 1 if
/// not all of it was written.
int run_replay(const config::replay_command& c, file_system& fs, std::ostream& out,
               std::ostream& err);

/// `troupe drill`: rehearses an outage on a live system; 1 unless all was where it should be.
int run_drill(const config::drill_command& c, file_system& fs, std::ostream& out,
              std::ostream& err);

}  // namespace troupe::actors
