// Evaluates recording rules over a time long past and stores what they give, through the HTTP API
// of any server that speaks Prometheus' (promtool tsdb create-blocks-from rules, without the
// blocks). One owner; blocks until it is done.
#pragma once

#include "pipeline/client/api_client.h"
#include "pipeline/client/progress.h"
#include "pipeline/rules/definition.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace troupe::backfill {

struct rule_backfill_options {
  timestamp_ms start = 0, end = 0;      ///< closed interval of instants
  int64_t points_per_query = 1'000;     ///< instants that one range query asks for
  size_t samples_per_request = 10'000;  ///< of remote write, about
  int64_t retry_ms = 60'000;            ///< a request is given up when it failed for so long
};

struct rule_backfill_report {
  uint64_t rules = 0;
  uint64_t alerts_passed_over = 0;  ///< alerting rules: their past is not written again
  uint64_t samples = 0;             ///< stored, stale markers included
};

/// Rule by rule in the order of the files, each over the whole time before the next: a rule sees
/// what the ones before it recorded. Instants are those at which a running server evaluates the
/// group, and a series that ends gets a stale marker as there. What is stored already is stored
/// again with the same values: a run that broke off may be repeated.
/// Fails with the first rule whose query or whose storing fails, the group and rule named.
result<rule_backfill_report> backfill_rules(std::span<const rules::group_definition_ptr> groups,
                                            const rule_backfill_options& options,
                                            client::api_client& server, const clock& clk,
                                            client::progress& shown);

}  // namespace troupe::backfill
