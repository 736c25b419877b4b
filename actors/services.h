// Flags and configuration → the options of engine, storage, scraping and API. Plain functions, no
// actors.
#pragma once

#include "config/config.h"
#include "config/flags.h"
#include "config/load.h"
#include "pipeline/api/services.h"
#include "pipeline/federate/feed.h"
#include "pipeline/notify/notifier.h"
#include "pipeline/send/options.h"
#include "query/engine/engine.h"
#include "storage/storage.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace troupe::actors {

/// Environment variables of this process; rule expressions are checked by the PromQL parser.
config::load_options load_options_of(const config::server_flags& f);
/// --config.auto-reload-interval, at least a second.
std::chrono::milliseconds auto_reload_interval_of(const config::server_flags& f);
/// query_log_file and every job's scrape_failure_log_file, each once.
std::vector<std::string> log_files_of(const config::config& c);
query::engine_options engine_options_of(const config::server_flags& f, const config::config& c);
/// --storage.memory-limit in bytes, given what the process may use at all; 0: no bound.
uint64_t memory_limit_of(const config::storage_flags& f, uint64_t available);
storage::options storage_options_of(const config::server_flags& f, unsigned cpus);
/// What the configuration file says of the storage wins over the flags.
void apply_storage_config(storage::options& o, const config::storage_config& c);
notify::notifier_options notifier_options_of(const config::server_flags& f);
send::destination_options destination_options_of(const config::server_flags& f);
federate::feed_options feed_options_of(const config::server_flags& f);
/// Everything that comes from flags and the build; doors and callbacks are the node's.
api::services services_of(const config::server_flags& f,
                          const std::map<std::string, std::string>& values);
/// The rules of the flags; invalid_argument for a selector that does not parse.
result<std::vector<storage::retention_rule>> retention_rules_of(const config::server_flags& f);
/// `own` behind those that a configuration asks for: inputs of stream_aggregation that are not
/// kept.
std::vector<storage::retention_rule> with_dropped_inputs(std::vector<storage::retention_rule> own,
                                                         const config::config& c);
/// The series_budgets of a configuration whose selectors were checked.
std::vector<storage::series_budget> series_budgets_of(const config::config& c);
/// "15d or 512MiB", for runtimeinfo; "" without any bound.
std::string retention_text(const storage::options& o);
/// Where users reach the node: --web.external-url, else by its host name. Without a '/' at its end.
std::string external_url_of(const config::web_flags& f);
api::storage_admin storage_admin_of(storage::storage& store);

}  // namespace troupe::actors
