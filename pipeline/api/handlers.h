// The handlers behind the table of routes, by file. Each is a pure function of the services, the
// request and what was gathered for it.
#pragma once

#include "pipeline/api/api.h"

#include <span>

namespace troupe::query {
struct expr;
struct query_result;
}  // namespace troupe::query

namespace troupe::api {

#define TROUPE_HANDLER(name) \
  answer name(const services& s, const http::request& r, const inputs& in)
// query_api.cc
TROUPE_HANDLER(handle_query);
TROUPE_HANDLER(handle_query_range);
TROUPE_HANDLER(handle_query_exemplars);
TROUPE_HANDLER(handle_format_query);
TROUPE_HANDLER(handle_parse_query);
// metadata_api.cc
TROUPE_HANDLER(handle_series);
TROUPE_HANDLER(handle_labels);
TROUPE_HANDLER(handle_label_values);
TROUPE_HANDLER(handle_metadata);
// targets_api.cc
TROUPE_HANDLER(handle_targets);
TROUPE_HANDLER(handle_scrape_pools);
TROUPE_HANDLER(handle_targets_metadata);
// status_api.cc
TROUPE_HANDLER(handle_status_config);
TROUPE_HANDLER(handle_status_flags);
TROUPE_HANDLER(handle_buildinfo);
TROUPE_HANDLER(handle_runtimeinfo);
TROUPE_HANDLER(handle_tsdb);
TROUPE_HANDLER(handle_blocks);
TROUPE_HANDLER(handle_walreplay);
TROUPE_HANDLER(handle_damage);
TROUPE_HANDLER(handle_alertmanagers);
// cardinality_api.cc
TROUPE_HANDLER(handle_cardinality);
// watermarks_api.cc
TROUPE_HANDLER(handle_watermarks);
/// Warns of what sources that are behind may have to add to a query up to `end`; not of those whose
/// series have one of these regions.
void add_lag_warnings(const services& s, std::string_view query_text, timestamp_ms end,
                      std::span<const std::string> answered_elsewhere, query::query_result& q);
// global_view_api.cc
TROUPE_HANDLER(handle_global_view);
// kafka_api.cc
TROUPE_HANDLER(handle_kafka);
// stages_api.cc
TROUPE_HANDLER(handle_pause_stages);
TROUPE_HANDLER(handle_resume_stages);
TROUPE_HANDLER(handle_stages);
// rules_api.cc
TROUPE_HANDLER(handle_rules);
TROUPE_HANDLER(handle_alerts);
// admin_api.cc
TROUPE_HANDLER(handle_delete_series);
TROUPE_HANDLER(handle_clean_tombstones);
TROUPE_HANDLER(handle_flush);
TROUPE_HANDLER(handle_snapshot);
// manage_api.cc
TROUPE_HANDLER(handle_healthy);
TROUPE_HANDLER(handle_ready);
TROUPE_HANDLER(handle_metrics);
TROUPE_HANDLER(handle_version);
TROUPE_HANDLER(handle_page);
TROUPE_HANDLER(handle_page_asset);
// write_api.cc
TROUPE_HANDLER(handle_write);
/// Makes the counters of remote write, at 0.
void register_write_counters(services& s);
// otlp_api.cc
TROUPE_HANDLER(handle_otlp);
void register_otlp_counters(services& s);
// read_api.cc
TROUPE_HANDLER(handle_read);
/// Makes the counters of remote read, at 0.
void register_read_counters(registry& metrics);
// influx_api.cc
TROUPE_HANDLER(handle_influx_write);
TROUPE_HANDLER(handle_influx_query);
TROUPE_HANDLER(handle_influx_health);
void register_influx_counters(services& s);
// jsonlines_api.cc
TROUPE_HANDLER(handle_import);
TROUPE_HANDLER(handle_export);
void register_import_counters(services& s);
// push_api.cc
TROUPE_HANDLER(handle_push);
TROUPE_HANDLER(handle_pushed_metrics);
TROUPE_HANDLER(handle_push_wipe);
/// Makes the counters of pushes, at 0.
void register_push_counters(registry& metrics);
// push_status_api.cc
TROUPE_HANDLER(handle_pushed_groups);
TROUPE_HANDLER(handle_push_status);
// federate_api.cc
TROUPE_HANDLER(handle_federate);
// Routes of kind feed, reload and quit are carried out by the caller; their handler only answers
// for a direct call.
TROUPE_HANDLER(handle_by_caller);
#undef TROUPE_HANDLER

}  // namespace troupe::api
