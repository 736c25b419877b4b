#include "config/flag_table.h"

#include <algorithm>
#include <array>

namespace troupe::config {
namespace {

using k = flag_kind;
using value = flag_value;
using flags = server_flags;
constexpr auto hidden = flag_help::hidden;
constexpr auto visible = flag_help::shown;

// Shorthand for setters of plain members.
#define TROUPE_ON(field) [](flags& f, const value& v) { f.field = v.on; }
#define TROUPE_TEXT(field) [](flags& f, const value& v) { f.field = v.text; }
#define TROUPE_NUMBER(field) \
  [](flags& f, const value& v) { f.field = static_cast<decltype(f.field)>(v.number); }
#define TROUPE_OPTIONAL(field)                                                 \
  [](flags& f, const value& v) {                                               \
    if (v.number > 0)                                                          \
      f.field = static_cast<typename decltype(f.field)::value_type>(v.number); \
  }

constexpr flag_spec table[] = {
    {"config.file", k::text, "prometheus.yml", "",
     "Configuration file. Without this flag ./prometheus.yml if there is one, else troupe scrapes "
     "itself.",
     visible, TROUPE_TEXT(config_file)},
    {"config.auto-reload-interval", k::duration, "30s", "",
     "How often to look for changes of the configuration file with "
     "--enable-feature=auto-reload-config.",
     visible, TROUPE_NUMBER(auto_reload_interval_ms)},
    {"web.listen-address", k::texts, "0.0.0.0:9090", "",
     "Address to listen on for page, API and telemetry. Can be repeated.", visible,
     [](flags& f, const value& v) { f.web.listen_address = v.list; }},
    {"auto-gomaxprocs", k::boolean, "true", "",
     "Read for compatibility; there is no Go scheduler."},
    {"auto-gomemlimit", k::boolean, "true", "", "Read for compatibility; there is no Go heap."},
    {"auto-gomemlimit.ratio", k::ratio, "0.9", "", "Read for compatibility; there is no Go heap."},
    {"web.config.file", k::text, "", "", "File with TLS, users, headers and rate limit.", visible,
     TROUPE_TEXT(web.config_file)},
    {"web.read-timeout", k::duration, "30s", "",
     "Longest time for reading a whole request (Prometheus: 5m).", visible,
     TROUPE_NUMBER(web.read_timeout_ms)},
    {"web.max-connections", k::count, "512", "", "Most connections at a time over all listeners.",
     visible, TROUPE_NUMBER(web.max_connections)},
    {"web.max-notifications-subscribers", k::count, "16", "",
     "Most subscribers of live notifications."},
    {"web.external-url", k::text, "", "",
     "URL under which this server is reached from outside; its path prefixes all routes.", visible,
     TROUPE_TEXT(web.external_url)},
    {"web.route-prefix", k::text, "", "",
     "Prefix of all routes. Default: the path of --web.external-url.", visible,
     TROUPE_TEXT(web.route_prefix)},
    {"web.user-assets", k::text, "", "", "Folder of static files, available at /user."},
    {"web.enable-lifecycle", k::boolean, "false", "", "Allow reload and shutdown by HTTP.", visible,
     TROUPE_ON(web.enable_lifecycle)},
    {"web.enable-admin-api", k::boolean, "false", "", "Allow the routes that delete and snapshot.",
     visible, TROUPE_ON(web.enable_admin_api)},
    {"web.enable-remote-write-receiver", k::boolean, "false", "", "Accept remote write requests.",
     visible, TROUPE_ON(web.enable_remote_write_receiver)},
    {"web.remote-write-receiver.accepted-protobuf-messages", k::texts,
     "prometheus.WriteRequest,io.prometheus.write.v2.Request",
     "prometheus.WriteRequest|io.prometheus.write.v2.Request|"
     "prometheus.WriteRequest,io.prometheus.write.v2.Request",
     "Message of remote write to accept. Can be repeated.", visible,
     [](flags& f, const value& v) {
       const auto names = [&](std::string_view message) {
         return std::any_of(v.list.begin(), v.list.end(),
                            [&](const std::string& t) { return t.find(message) != t.npos; });
       };
       f.web.accept_write_v1 = names("prometheus.WriteRequest");
       f.web.accept_write_v2 = names("io.prometheus.write.v2.Request");
     }},
    {"web.enable-otlp-receiver", k::boolean, "false", "", "Accept OTLP write requests.", visible,
     TROUPE_ON(web.enable_otlp_receiver)},
    {"web.console.templates", k::text, "consoles", "", "Folder of console templates."},
    {"web.console.libraries", k::text, "console_libraries", "", "Folder of console libraries."},
    {"web.page-title", k::text, "Prometheus Time Series Collection and Processing Server", "",
     "Title of the page.", visible, TROUPE_TEXT(web.page_title)},
    {"web.cors.origin", k::text, ".*", "",
     "Anchored regular expression of origins that may call the API.", visible,
     TROUPE_TEXT(web.cors_origin)},
    {"storage.tsdb.path", k::text, "data/", "", "Folder of the data.", visible,
     TROUPE_TEXT(storage.path)},
    {"storage.tsdb.min-block-duration", k::duration, "2h", "", "Span of a first block.", hidden,
     TROUPE_NUMBER(storage.min_block_ms)},
    {"storage.tsdb.max-block-duration", k::duration, "0s", "",
     "Longest span of a block; 0s: a tenth of the retention, at most 31d.", hidden,
     TROUPE_OPTIONAL(storage.max_block_ms)},
    {"storage.tsdb.max-block-chunk-segment-size", k::bytes, "0B", "", "Size of a chunk file.",
     hidden},
    {"storage.tsdb.wal-segment-size", k::bytes, "0B", "", "Size of a segment of the log; 0: 64MiB.",
     hidden, TROUPE_NUMBER(storage.wal_segment_bytes)},
    {"storage.tsdb.retention.time", k::duration, "0s", "",
     "How long samples are kept; 15d if neither this nor a size is set. storage.tsdb.retention of "
     "the "
     "configuration file wins.",
     visible, TROUPE_OPTIONAL(storage.retention_time_ms)},
    {"storage.tsdb.retention.size", k::bytes, "0B", "",
     "Most bytes of blocks, log and closed chunks of the head, such as 512MB; units are powers of "
     "1024. storage.tsdb.retention of the "
     "configuration file wins.",
     visible, TROUPE_OPTIONAL(storage.retention_size)},
    {"storage.tsdb.no-lockfile", k::boolean, "false", "", "Make no lock file in the data folder.",
     visible, TROUPE_ON(storage.no_lockfile)},
    {"storage.tsdb.allow-overlapping-compaction", k::boolean, "true", "",
     "Compact blocks that overlap.", hidden},
    {"storage.tsdb.wal-compression", k::boolean, "true", "", "Compress the log.", hidden,
     TROUPE_ON(storage.wal_compression)},
    {"storage.tsdb.wal-compression-type", k::text, "snappy", "snappy|zstd",
     "Compression of Prometheus' log; troupe's is always LZ4.", hidden},
    {"storage.tsdb.head-chunks-write-queue-size", k::count, "0", "",
     "Queue of head chunks written to disk; there are no such files here."},
    {"storage.tsdb.samples-per-chunk", k::count, "120", "", "Samples of a chunk.", hidden},
    {"storage.tsdb.delayed-compaction.max-percent", k::count, "10", "",
     "Random delay of head compaction.", hidden},
    {"storage.tsdb.block-reload-interval", k::duration, "1m", "",
     "How often background work looks for blocks to write, compact and delete; at least 1s.",
     hidden, TROUPE_NUMBER(storage.block_reload_ms)},
    {"storage.tsdb.delay-compact-file.path", k::text, "", "",
     "JSON file with uploaded blocks; only those are compacted."},
    {"storage.agent.path", k::text, "data-agent/", "", "Agent mode: folder of the data."},
    {"storage.agent.wal-segment-size", k::bytes, "0B", "", "Agent mode: size of a segment.",
     hidden},
    {"storage.agent.wal-compression", k::boolean, "true", "", "Agent mode: compress the log."},
    {"storage.agent.wal-compression-type", k::text, "snappy", "snappy|zstd",
     "Agent mode: compression of the log.", hidden},
    {"storage.agent.wal-truncate-frequency", k::duration, "0s", "",
     "Agent mode: how often the log is cut.", hidden},
    {"storage.agent.retention.min-time", k::duration, "0s", "",
     "Agent mode: youngest samples to delete."},
    {"storage.agent.retention.max-time", k::duration, "0s", "",
     "Agent mode: oldest samples to keep."},
    {"storage.agent.no-lockfile", k::boolean, "false", "", "Agent mode: make no lock file."},
    {"storage.remote.flush-deadline", k::duration, "1m", "",
     "How long to flush remote write at stop or reload."},
    {"storage.remote.read-sample-limit", k::count, "5e7", "",
     "Most samples of a query of a remote read that is answered in one piece; 0: no limit.",
     visible, TROUPE_NUMBER(remote_read.sample_limit)},
    {"storage.remote.read-concurrent-limit", k::count, "10", "",
     "Most remote reads at a time, others wait; 0: no limit.", visible,
     TROUPE_NUMBER(remote_read.concurrent_limit)},
    {"storage.remote.read-max-bytes-in-frame", k::count, "1048576", "",
     "Most bytes of a frame of a streamed remote read.", visible,
     TROUPE_NUMBER(remote_read.max_bytes_in_frame)},
    {"rules.alert.for-outage-tolerance", k::duration, "1h", "",
     "Longest outage after which the state of \"for\" is restored.", visible,
     TROUPE_NUMBER(rules.outage_tolerance_ms)},
    {"rules.alert.for-grace-period", k::duration, "10m", "",
     "Shortest time between an alert and its restored \"for\" state.", visible,
     TROUPE_NUMBER(rules.grace_period_ms)},
    {"rules.alert.resend-delay", k::duration, "1m", "",
     "Shortest time before an alert is sent again.", visible, TROUPE_NUMBER(rules.resend_delay_ms)},
    {"rules.max-concurrent-evals", k::count, "4", "", "Most rule groups evaluated at a time.",
     visible, TROUPE_NUMBER(rules.max_concurrent_evals)},
    {"scrape.adjust-timestamps", k::boolean, "true", "",
     "Align scrape timestamps; troupe's are those of its schedule.", hidden},
    {"scrape.timestamp-tolerance", k::duration, "2ms", "", "Tolerance of that alignment.", hidden},
    {"scrape.discovery-reload-interval", k::duration, "5s", "",
     "How often changed targets are taken over.", hidden},
    {"scrape.name-escaping-scheme", k::text, "values", "values|underscores|dots",
     "Escaping of names for scrapers without UTF-8.", hidden},
    {"alertmanager.notification-queue-capacity", k::count, "10000", "",
     "Most alerts that wait for one Alertmanager; beyond it the oldest are dropped.", visible,
     TROUPE_NUMBER(notify.queue_capacity)},
    {"alertmanager.notification-batch-size", k::count, "256", "", "Most alerts of one request.",
     visible, TROUPE_NUMBER(notify.batch_size)},
    {"alertmanager.drain-notification-queue-on-shutdown", k::boolean, "true", "",
     "Send waiting alerts at stop, for at most 2s.", visible, TROUPE_ON(notify.drain_on_stop)},
    {"query.lookback-delta", k::duration, "5m", "",
     "How far back a sample is looked for when a query is evaluated.", visible,
     TROUPE_NUMBER(query.lookback_delta_ms)},
    {"query.timeout", k::duration, "2m", "", "Longest time of a query.", visible,
     TROUPE_NUMBER(query.timeout_ms)},
    {"query.max-concurrency", k::count, "20", "", "Most queries at a time.", visible,
     TROUPE_NUMBER(query.max_concurrency)},
    {"query.max-samples", k::count, "50000000", "", "Most samples one query may hold in memory.",
     visible, TROUPE_NUMBER(query.max_samples)},
    {"enable-feature", k::texts, "", "", "Comma-separated names of features to switch on.", visible,
     [](flags&, const value&) {}},
    {"agent", k::boolean, "false", "", "Agent mode; troupe stays a server."},
    {"log.level", k::text, "info", "debug|info|warn|error", "Least severity that is logged.",
     visible, TROUPE_TEXT(log.level)},
    {"log.format", k::text, "logfmt", "logfmt|json", "Format of log lines.", visible,
     TROUPE_TEXT(log.format)},
    {"storage.wal.sync", k::sync, "always", "always|os|interval=<duration>",
     "always: acknowledge after the disk has it; interval=100ms: give it to the disk within that "
     "time, "
     "so that a power cut may cost it; os: leave that to the kernel.",
     visible,
     [](flags& f, const value& v) {
       f.storage.wal_sync = v.text;
       f.storage.wal_sync_interval_ms = v.number;
     }},
    {"storage.memory-limit", k::memory, "60%", "",
     "Most memory that samples, caches and queries hold together, in bytes or in per cent of the "
     "control group's or machine's; 0: no bound. Near it data are flushed early, then new series "
     "are refused, then queries.",
     visible,
     [](flags& f, const value& v) {
       (v.on ? f.storage.memory_limit_percent : f.storage.memory_limit_bytes) =
           static_cast<uint64_t>(v.number);
       (v.on ? f.storage.memory_limit_bytes : f.storage.memory_limit_percent) = 0;
     }},
    {"troupe.config.file", k::text, "", "",
     "YAML file with defaults of troupe's own flags (\"troupe.scrape.max-body: 64MiB\") and the "
     "blocks "
     "of its own stages.",
     visible, TROUPE_TEXT(troupe_config_file)},
    {"troupe.web.enable-import", k::boolean, "false", "",
     "Import and export as VictoriaMetrics does: InfluxDB's line protocol, JSON lines.", visible,
     TROUPE_ON(web.enable_import)},
    {"troupe.web.enable-pushgateway", k::boolean, "false", "",
     "Take pushes as a Pushgateway does; a scrape of /pushgateway/metrics has them.", visible,
     TROUPE_ON(web.enable_pushgateway)},
    {"troupe.influx.measurement-field-separator", k::text, "_", "",
     "What is between measurement and field in the name of a metric.", visible,
     TROUPE_TEXT(influx.separator)},
    {"troupe.influx.skip-single-field", k::boolean, "false", "",
     "Name the only field of a line by its measurement alone.", visible,
     TROUPE_ON(influx.skip_single_field)},
    {"troupe.influx.skip-measurement", k::boolean, "false", "",
     "Name fields by themselves, without their measurement.", visible,
     TROUPE_ON(influx.skip_measurement)},
    {"troupe.influx.db-label", k::text, "db", "", "Label for the database that a request names.",
     visible, TROUPE_TEXT(influx.db_label)},
    {"troupe.influx.database-names", k::texts, "_internal", "",
     "Database that SHOW DATABASES names. Can be repeated.", visible,
     [](flags& f, const value& v) { f.influx.databases = v.list; }},
    {"troupe.web.max-header-bytes", k::bytes, "32KiB", "", "Largest head of a request.", visible,
     TROUPE_NUMBER(web.max_header_bytes)},
    {"troupe.web.header-timeout", k::duration, "5s", "", "Longest time for the head of a request.",
     visible, TROUPE_NUMBER(web.header_timeout_ms)},
    {"troupe.web.idle-timeout", k::duration, "1m", "", "Longest time without a request.", visible,
     TROUPE_NUMBER(web.idle_timeout_ms)},
    {"troupe.web.write-timeout", k::duration, "30s", "",
     "Longest time in which a client takes nothing of an answer.", visible,
     TROUPE_NUMBER(web.write_timeout_ms)},
    {"troupe.web.min-rate", k::bytes, "1KiB", "", "Least bytes a second of a request body.",
     visible, TROUPE_NUMBER(web.min_rate_bytes)},
    {"troupe.web.max-body", k::bytes, "32MiB", "", "Largest request body, as sent and as decoded.",
     visible, TROUPE_NUMBER(web.max_body_bytes)},
    {"troupe.web.in-flight-bytes", k::bytes, "256MiB", "",
     "Most bytes of all request bodies in flight; beyond that 503.", visible,
     TROUPE_NUMBER(web.in_flight_bytes)},
    {"troupe.web.answer-bytes", k::bytes, "256MiB", "",
     "Most bytes of all answers that wait for their clients to take them; beyond that 503.",
     visible, TROUPE_NUMBER(web.answer_bytes)},
    {"troupe.web.io-threads", k::count, "2", "", "Threads that serve connections.", visible,
     TROUPE_NUMBER(web.io_threads)},
    {"troupe.query.max-bytes", k::bytes, "64KiB", "", "Longest expression.", visible,
     TROUPE_NUMBER(query.max_bytes)},
    {"troupe.query.max-nodes", k::count, "10000", "", "Most nodes of an expression.", visible,
     TROUPE_NUMBER(query.max_nodes)},
    {"troupe.query.max-depth", k::count, "250", "", "Deepest nesting of an expression.", visible,
     TROUPE_NUMBER(query.max_depth)},
    {"troupe.query.max-memory", k::bytes, "2GiB", "",
     "Most memory of one query's intermediate and final results.", visible,
     TROUPE_NUMBER(query.max_memory_bytes)},
    {"troupe.query.max-queue", k::count, "100", "", "Most waiting queries; beyond that 503.",
     visible, TROUPE_NUMBER(query.max_queue)},
    {"troupe.scrape.max-body", k::bytes, "64MiB", "",
     "Largest scrape body where body_size_limit is 0 (Prometheus: no limit).", visible,
     TROUPE_NUMBER(scrape.max_body_bytes)},
    {"troupe.scrape.max-idle-connections", k::count, "0", "",
     "Most idle connections to targets; 0: half of the descriptor limit.", visible,
     TROUPE_NUMBER(scrape.max_idle_connections)},
    {"troupe.scrape.dns-threads", k::count, "4", "", "Threads that look names up.", visible,
     TROUPE_NUMBER(scrape.dns_threads)},
    {"troupe.storage.shards", k::count, "0", "", "Shards of the storage; 0: by the CPUs.", visible,
     TROUPE_NUMBER(storage.shards)},
    {"troupe.storage.max-series", k::count, "0", "", "Most series in memory; 0: no bound.", visible,
     TROUPE_NUMBER(storage.max_series)},
    {"troupe.storage.retention-rule", k::rules, "", "",
     "How long samples of some series are kept: a duration and a selector, such as '2d "
     "{job=\"debug\"}'; 0s: for ever. The first rule that matches a series decides, the general "
     "retention where none does. A block loses such series when all of it is older, or when it is "
     "merged. Can be repeated; a list in --troupe.config.file.",
     visible, [](flags& f, const value& v) { f.storage.retention_rules = v.rules; }},
    {"troupe.storage.replay-pending-bytes", k::bytes, "256MiB", "",
     "Most bytes accepted while the log is still replayed; beyond that 503.", visible,
     TROUPE_NUMBER(storage.replay_pending_bytes)},
    {"troupe.storage.scrub-rate", k::bytes, "2MiB", "",
     "Bytes a second that the background check of blocks reads, a pass a day at most; 0: off.",
     visible, TROUPE_NUMBER(storage.scrub_bytes_per_s)},
    {"troupe.audit.canary", k::boolean, "true", "",
     "Write a canary series, invisible to queries, and check all the time that it comes back.",
     visible, TROUPE_ON(audit.canary)},
    {"troupe.audit.interval", k::duration, "15s", "",
     "Time between samples of the canary; at least 1s.", visible, TROUPE_NUMBER(audit.interval_ms)},
    {"troupe.rules.max-wait", k::duration, "10s", "",
     "How long the evaluation of a rule group waits at most for data that are on their way.",
     visible, TROUPE_NUMBER(rules.max_wait_ms)},
    {"troupe.rules.catch-up-wait", k::duration, "5m", "",
     "How long evaluations missed during a stop wait at most for senders to deliver their backlog.",
     visible, TROUPE_NUMBER(rules.catch_up_wait_ms)},
    {"troupe.rules.catch-up-reach", k::duration, "6h", "",
     "Evaluations missed longer ago than this are given up.", visible,
     TROUPE_NUMBER(rules.catch_up_reach_ms)},
    {"troupe.remote-write.log-limit", k::bytes, "16GiB", "",
     "Most bytes of the log that wait for one remote_write destination; beyond it its oldest "
     "samples are dropped and counted.",
     visible, TROUPE_NUMBER(remote_write.log_limit_bytes)},
    {"troupe.remote-write.fresh-first-lag", k::duration, "1m", "",
     "Once a destination is this far behind and answers again, fresh samples go first and those "
     "that were missed follow beside them, if it takes late samples; 0s: always in order.",
     visible, TROUPE_NUMBER(remote_write.fresh_first_lag_ms)},
    {"troupe.remote-write.backlog-rate", k::count, "500000", "",
     "Most samples a second that were missed and follow beside fresh ones; 0: no bound.", visible,
     TROUPE_NUMBER(remote_write.backlog_rate)},
    {"troupe.federation.max-subscriptions", k::count, "16", "",
     "Most subscriptions of other nodes at this one; further ones are answered with 503.", visible,
     TROUPE_NUMBER(federation.max_subscriptions)},
    {"troupe.federation.log-limit", k::bytes, "16GiB", "",
     "Most bytes of the log that are kept for one subscription, whatever it asks for.", visible,
     TROUPE_NUMBER(federation.log_limit_bytes)},
};
#undef TROUPE_ON
#undef TROUPE_TEXT
#undef TROUPE_NUMBER
#undef TROUPE_OPTIONAL

using fs = feature_state;
using ff = feature_flags;
constexpr std::array<feature_spec, 31> features{{
    {"agent", fs::inert},
    {"auto-gomaxprocs", fs::inert},
    {"auto-gomemlimit", fs::inert},
    {"auto-reload-config", fs::acts, &ff::auto_reload_config},
    {"concurrent-rule-eval", fs::always_on},
    {"created-timestamp-zero-ingestion", fs::acts, &ff::created_timestamp_zero_ingestion},
    {"delayed-compaction", fs::inert},
    {"exemplar-storage", fs::always_on},
    {"expand-external-labels", fs::always_on},
    {"extra-scrape-metrics", fs::acts, &ff::extra_scrape_metrics},
    {"histograms-st-encoding", fs::inert},
    {"memory-snapshot-on-shutdown", fs::inert},
    {"metadata-wal-records", fs::always_on},
    {"native-histograms", fs::acts, &ff::native_histograms},
    {"new-service-discovery-manager", fs::always_on},
    {"no-default-scrape-port", fs::always_on},
    {"old-ui", fs::inert},
    {"otlp-deltatocumulative", fs::acts, &ff::otlp_deltatocumulative},
    {"otlp-native-delta-ingestion", fs::acts, &ff::otlp_native_delta_ingestion},
    {"otlp-write-receiver", fs::inert},
    {"promql-binop-fill-modifiers", fs::inert},
    {"promql-delayed-name-removal", fs::acts, &ff::promql_delayed_name_removal},
    {"promql-duration-expr", fs::always_on},
    {"promql-experimental-functions", fs::acts, &ff::promql_experimental_functions},
    {"promql-extended-range-selectors", fs::acts, &ff::promql_extended_range_selectors},
    {"promql-per-step-stats", fs::acts, &ff::promql_per_step_stats},
    {"remote-write-receiver", fs::inert},
    {"st-storage", fs::inert},
    {"type-and-unit-labels", fs::inert},
    {"use-start-timestamps", fs::inert},
    {"use-uncached-io", fs::inert},
}};

}  // namespace

std::span<const flag_spec> flag_table() {
  return table;
}

std::span<const feature_spec> feature_table() {
  return features;
}

std::vector<std::string_view> inert_flags() {
  std::vector<std::string_view> out;
  for (const auto& f : table)
    if (f.set == nullptr)
      out.push_back(f.name);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string_view> inert_features() {
  std::vector<std::string_view> out;
  for (const auto& f : features)
    if (f.state == feature_state::inert)
      out.push_back(f.name);
  return out;
}

}  // namespace troupe::config
