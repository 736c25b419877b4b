#include "actors/services.h"

#include "config/text.h"
#include "pipeline/aggregate/dropped_inputs.h"
#include "pipeline/rules/go_templates.h"
#include "query/parser/parser.h"
#include "storage/base/duration.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace troupe::actors {

namespace {

/// A Prometheus version whose API this one answers; Grafana chooses what it asks for by it.
constexpr std::string_view prometheus_version = "3.5.0";

std::vector<api::tsdb_entry> entries(const std::vector<storage::head_stats::entry>& from) {
  std::vector<api::tsdb_entry> out;
  for (const auto& e : from)
    out.push_back({e.name, e.value});
  return out;
}

std::string hostname() {
  char host[256] = {};
  return gethostname(host, sizeof host - 1) == 0 ? host : "";
}

}  // namespace

config::load_options load_options_of(const config::server_flags& f) {
  config::load_options o;
  o.environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value ? value : "");
  };
  query::parse_options parse;
  parse.enable_experimental_functions = f.features.promql_experimental_functions;
  parse.enable_extended_range_selectors = f.features.promql_extended_range_selectors;
  o.check_expression = [parse](std::string_view text) -> status {
    auto parsed = query::parse(text, parse);
    return parsed.ok() ? status() : parsed.error();
  };
  o.check_selector = [](std::string_view text) -> status {
    return query::parse_metric_selector(text).error();
  };
  o.check_template = [](std::string_view text, std::string_view alert) {
    return rules::go_templates().check(text, alert);
  };
  o.extra_scrape_metrics = f.features.extra_scrape_metrics;
  o.native_histograms = f.features.native_histograms;
  o.own_file = f.troupe_config_file;
  return o;
}

std::chrono::milliseconds auto_reload_interval_of(const config::server_flags& f) {
  return std::chrono::milliseconds(std::max<int64_t>(f.auto_reload_interval_ms, 1000));
}

std::vector<std::string> log_files_of(const config::config& c) {
  std::set<std::string> out{c.global.query_log_file};
  for (const auto& job : c.scrape_configs)
    out.insert(job.scrape_failure_log_file);
  out.erase("");
  return {out.begin(), out.end()};
}

query::engine_options engine_options_of(const config::server_flags& f, const config::config& c) {
  query::engine_options o;
  o.max_samples = f.query.max_samples;
  o.timeout_ms = f.query.timeout_ms;
  o.lookback_ms = f.query.lookback_delta_ms;
  o.default_subquery_step_ms = c.global.evaluation_interval_ms;
  o.enable_per_step_stats = f.features.promql_per_step_stats;
  o.enable_delayed_name_removal = f.features.promql_delayed_name_removal;
  o.parse.enable_experimental_functions = f.features.promql_experimental_functions;
  o.parse.enable_extended_range_selectors = f.features.promql_extended_range_selectors;
  o.max_memory_bytes = f.query.max_memory_bytes;
  o.parse.max_query_bytes = static_cast<uint32_t>(f.query.max_bytes);
  o.parse.max_nodes = static_cast<uint32_t>(f.query.max_nodes);
  o.parse.max_depth = static_cast<uint32_t>(f.query.max_depth);
  return o;
}

uint64_t memory_limit_of(const config::storage_flags& f, uint64_t available) {
  return f.memory_limit_percent ? available / 100 * f.memory_limit_percent : f.memory_limit_bytes;
}

storage::options storage_options_of(const config::server_flags& f, unsigned cpus) {
  storage::options o;
  o.dir = f.storage.path;
  o.shards = static_cast<uint32_t>(f.storage.shards ? f.storage.shards : std::clamp(cpus, 1u, 64u));
  if (f.storage.retention_time_ms)
    o.retention_ms = *f.storage.retention_time_ms;
  else if (f.storage.retention_size && *f.storage.retention_size > 0)
    o.retention_ms = 0;  // as Prometheus: a size alone bounds by size alone
  if (f.storage.retention_size)
    o.retention_bytes = *f.storage.retention_size;
  o.min_block_ms = f.storage.min_block_ms;
  if (f.storage.max_block_ms)
    o.max_block_ms = *f.storage.max_block_ms;
  else if (o.retention_ms > 0)
    o.max_block_ms = std::min(o.max_block_ms, std::max(o.retention_ms / 10, o.min_block_ms));
  if (f.storage.wal_segment_bytes)
    o.wal_segment_bytes = f.storage.wal_segment_bytes;
  o.wal_compression = f.storage.wal_compression;
  using sync_mode = storage::options::sync_mode;
  o.sync = f.storage.wal_sync == "always" ? sync_mode::always
           : f.storage.wal_sync == "os"   ? sync_mode::os
                                          : sync_mode::interval;
  if (f.storage.wal_sync_interval_ms > 0)
    o.sync_interval_ms = f.storage.wal_sync_interval_ms;
  o.max_series = f.storage.max_series;
  o.replay_pending_bytes = f.storage.replay_pending_bytes;
  o.scrub_bytes_per_s = f.storage.scrub_bytes_per_s;
  o.no_lockfile = f.storage.no_lockfile;
  return o;
}

void apply_storage_config(storage::options& o, const config::storage_config& c) {
  if (c.retention_time_ms)
    o.retention_ms = *c.retention_time_ms;
  if (c.retention_size)
    o.retention_bytes = *c.retention_size;
  if (c.out_of_order_time_window_ms)
    o.out_of_order_window_ms = *c.out_of_order_time_window_ms;
  o.exemplar_storage = c.max_exemplars > 0;
  o.max_exemplars = static_cast<size_t>(std::max<int64_t>(c.max_exemplars, 0));
}

notify::notifier_options notifier_options_of(const config::server_flags& f) {
  notify::notifier_options o;
  o.queue_capacity = std::max<uint64_t>(f.notify.queue_capacity, 1);
  o.batch_size = std::max<uint64_t>(f.notify.batch_size, 1);
  o.drain_on_stop = f.notify.drain_on_stop;
  return o;
}

send::destination_options destination_options_of(const config::server_flags& f) {
  send::destination_options o;
  o.log_limit_bytes = f.remote_write.log_limit_bytes;
  o.backlog_rate = static_cast<double>(f.remote_write.backlog_rate);
  o.fresh_first_lag_ms = f.remote_write.fresh_first_lag_ms;
  return o;
}

federate::feed_options feed_options_of(const config::server_flags& f) {
  federate::feed_options o;
  o.most_subscriptions = f.federation.max_subscriptions;
  o.most_keep_bytes = f.federation.log_limit_bytes;
  return o;
}

std::string external_url_of(const config::web_flags& f) {
  const auto& listen = f.listen_address.front();
  std::string url = !f.external_url.empty()
                        ? f.external_url
                        : "http://" + hostname() + listen.substr(listen.rfind(':'));
  while (url.ends_with('/'))
    url.pop_back();
  return url;
}

api::services services_of(const config::server_flags& f,
                          const std::map<std::string, std::string>& values) {
  api::services s;
  s.build = {std::string(prometheus_version), TROUPE_VERSION, "", "", "", "", "g++ " __VERSION__};
  s.flags = values;
  char cwd[4096];
  s.working_directory = getcwd(cwd, sizeof cwd) ? cwd : "";
  s.hostname = hostname();
  const auto& listen = f.web.listen_address.front();
  s.listen_port = listen.substr(listen.rfind(':') + 1);
  s.external_url = external_url_of(f.web);
  s.route_prefix = config::route_prefix(f.web);
  s.flags["web.route-prefix"] = s.route_prefix;  // as Prometheus shows it
  s.page_title = f.web.page_title;
  s.enable_admin = f.web.enable_admin_api;
  s.enable_lifecycle = f.web.enable_lifecycle;
  s.enable_write_receiver = f.web.enable_remote_write_receiver;
  s.enable_import = f.web.enable_import;
  s.influx = {f.influx.separator, f.influx.db_label, f.influx.skip_single_field,
              f.influx.skip_measurement};
  s.influx_databases = f.influx.databases;
  s.enable_otlp_receiver = f.web.enable_otlp_receiver;
  s.accept_otlp_delta = f.features.otlp_native_delta_ingestion;
  s.accept_write_v1 = f.web.accept_write_v1;
  s.accept_write_v2 = f.web.accept_write_v2;
  s.query_timeout_ms = f.query.timeout_ms;
  s.lookback_ms = f.query.lookback_delta_ms;
  s.max_write_bytes = f.web.max_body_bytes;
  s.read_sample_limit = f.remote_read.sample_limit;
  s.read_frame_bytes = f.remote_read.max_bytes_in_frame;
  return s;
}

result<std::vector<storage::retention_rule>> retention_rules_of(const config::server_flags& f) {
  std::vector<storage::retention_rule> out;
  for (const auto& rule : f.storage.retention_rules) {
    TROUPE_ASSIGN(auto selector, query::parse_metric_selector(rule.selector));
    out.push_back({std::move(selector), rule.retention_ms});
  }
  return out;
}

std::vector<storage::retention_rule> with_dropped_inputs(std::vector<storage::retention_rule> own,
                                                         const config::config& c) {
  // So short that nothing of them is in the blocks that are cut from memory.
  constexpr int64_t least_ms = 1;
  std::vector<storage::retention_rule> out;
  for (auto& selector : aggregate::dropped_inputs(c.own.stream_aggregation))
    out.push_back({std::move(selector), least_ms});
  out.insert(out.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  return out;
}

std::vector<storage::series_budget> series_budgets_of(const config::config& c) {
  std::vector<storage::series_budget> out;
  for (const auto& b : c.own.series_budgets) {
    matchers selector;
    if (!b.match.empty())
      selector = query::parse_metric_selector(b.match).value_or(matchers());  // it was checked
    out.push_back({b.name, std::move(selector), b.by, b.limit});
  }
  return out;
}

std::string retention_text(const storage::options& o) {
  std::string out = o.retention_ms > 0 ? format_duration(o.retention_ms) : "";
  if (o.retention_bytes > 0)
    out += (out.empty() ? "" : " or ") + config::format_bytes(o.retention_bytes);
  return out;
}

api::storage_admin storage_admin_of(storage::storage& store) {
  api::storage_admin a;
  a.delete_series = [&store](timestamp_ms mint, timestamp_ms maxt,
                             const std::vector<matchers>& selectors) {
    return store.delete_series("", mint, maxt, selectors);
  };
  a.clean_tombstones = [&store] { return store.clean_tombstones(); };
  a.flush = [&store] { store.flush(); };
  a.snapshot = [&store](bool skip_head) { return store.snapshot(skip_head); };
  a.tsdb = [&store](size_t limit) {
    auto h = store.stats(limit);
    return api::tsdb_state{h.series,
                           h.chunks,
                           h.label_pairs,
                           h.min_time,
                           h.max_time,
                           entries(h.series_by_metric),
                           entries(h.values_by_label),
                           entries(h.memory_by_label),
                           entries(h.series_by_pair)};
  };
  a.cardinality = [&store](size_t limit) {
    return api::cardinality_state{store.series_count(), store.growth(limit),
                                  store.series_budgets(limit)};
  };
  a.blocks = [&store] {
    std::vector<api::block_state> out;
    for (const auto& b : store.blocks())
      out.push_back({b.id, b.min_time, b.max_time, b.series, b.samples, b.bytes, b.level,
                     b.quarantined, b.reason});
    return out;
  };
  a.damage = [&store] { return store.damage(); };
  a.replay = [&store] {
    auto p = store.progress();
    return api::replay_state{p.first_segment, p.last_segment, p.current_segment, p.done};
  };
  return a;
}

}  // namespace troupe::actors
