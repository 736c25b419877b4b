// What a rule group leaves in the storage to go on from after a restart: which instants it has
// evaluated, and what ALERTS does not tell of its alerts. Stored as series of a tenant of their own
// with the results, so that they are as durable as these. Pure functions over the read door.
#pragma once

#include "pipeline/rules/alert_book.h"
#include "pipeline/rules/definition.h"
#include "pipeline/rules/rule_group.h"
#include "storage/model/batch.h"
#include "storage/querier.h"

#include <string_view>
#include <vector>

namespace troupe::rules {

/// To be stored when all results of the evaluation of `run` are: the instant is done.
batch_ptr history_batch(const rule_group& group, const group_run& run);

/// Instants of [from, to] that a group with this name and interval has evaluated, ascending.
result<std::vector<timestamp_ms>> evaluated_instants(storage::queryable& data,
                                                     const group_definition& group,
                                                     timestamp_ms from, timestamp_ms to);

/// The alerts of each rule as they stood after the evaluation of `at`, by the series of `tenant`.
result<std::vector<saved_alerts>> alerts_at(storage::queryable& data, std::string_view tenant,
                                            const group_definition& group, timestamp_ms at);
/// The newest state of each alert in [from, to] that is not over, where it is not known when the
/// group was evaluated last.
result<std::vector<saved_alerts>> newest_alerts(storage::queryable& data, std::string_view tenant,
                                                const group_definition& group, timestamp_ms from,
                                                timestamp_ms to);

}  // namespace troupe::rules
