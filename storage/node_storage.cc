#include "storage/node_storage.h"

#include "storage/base/log.h"
#include "storage/cardinality_probe.h"
#include "storage/data_folder.h"
#include "storage/head_statistics.h"

#include <algorithm>

namespace troupe::storage {
namespace {

constexpr logger out_log("storage");

status check_options(const options& opts) {
  if (opts.shards < 1 || opts.shards > slot_count)
    return {errc::invalid_argument, "shards must be 1 to " + std::to_string(slot_count)};
  if (opts.min_block_ms < 1 || opts.max_block_ms < opts.min_block_ms)
    return {errc::invalid_argument,
            "the smallest block range must be positive and not above the largest"};
  return {};
}

}  // namespace

/// The node's own figures.
struct node_storage::probe {
  explicit probe(registry& r)
      : series(r.get_gauge("troupe_storage_head_series", "Series in the heads.")),
        min_time(r.get_gauge("troupe_storage_head_min_time_milliseconds",
                             "Oldest sample in the heads.")),
        max_time(r.get_gauge("troupe_storage_head_max_time_milliseconds",
                             "Newest sample in the heads.")),
        blocks(r.get_gauge("troupe_storage_blocks_loaded", "Blocks that answer queries.")),
        quarantined(r.get_gauge("troupe_storage_blocks_quarantined", "Damaged blocks set aside.")),
        block_bytes(r.get_gauge("troupe_storage_blocks_bytes", "Bytes of all blocks.")),
        written(
            r.get_gauge("troupe_storage_blocks_written", "Blocks cut from heads since the start.")),
        early_cuts(
            r.get_gauge("troupe_storage_early_cuts",
                        "Cuts before their time because memory was short, since the start.")),
        compactions(r.get_gauge("troupe_storage_compactions", "Merges of blocks since the start.")),
        compactions_failed(r.get_gauge("troupe_storage_compactions_failed",
                                       "Failed merges of blocks since the start.")),
        repaired(r.get_gauge("troupe_storage_blocks_repaired",
                             "Blocks rewritten without what is damaged since the start.")),
        scrub_bytes(r.get_gauge("troupe_storage_scrub_bytes",
                                "Bytes read by the background check of blocks since the start.")),
        scrub_progress(r.get_gauge("troupe_storage_scrub_progress_ratio",
                                   "How much of the pass under way is done; 0 between passes.")),
        scrub_last_pass(r.get_gauge("troupe_storage_scrub_last_pass_timestamp_seconds",
                                    "End of the last pass over all blocks; 0: none since the "
                                    "start.")) {
    r.add_alias("troupe_storage_head_series", "prometheus_tsdb_head_series");
    r.add_alias("troupe_storage_head_min_time_milliseconds", "prometheus_tsdb_head_min_time");
    r.add_alias("troupe_storage_head_max_time_milliseconds", "prometheus_tsdb_head_max_time");
    r.add_alias("troupe_storage_blocks_loaded", "prometheus_tsdb_blocks_loaded");
    r.add_alias("troupe_storage_blocks_bytes", "prometheus_tsdb_storage_blocks_bytes");
  }

  gauge &series, &min_time, &max_time, &blocks, &quarantined, &block_bytes, &written, &early_cuts,
      &compactions, &compactions_failed, &repaired, &scrub_bytes, &scrub_progress, &scrub_last_pass;

  void publish(std::span<const std::unique_ptr<shard>> shards, const block_store& store,
               const upkeep& work) {
    const troupe::storage::scrub_progress scrub = work.scrub().progress();
    uint64_t count = 0, bytes = 0, loaded = 0;
    timestamp_ms lo = troupe::max_time, hi = troupe::min_time;
    for (const auto& s : shards) {
      count += s->memory().series_count();
      lo = std::min(lo, s->memory().min_ts());
      hi = std::max(hi, s->memory().max_ts());
    }
    for (const auto& b : store.blocks()) {
      ++loaded;
      bytes += b->bytes();
    }
    const block_store_counts c = store.counts();
    series.set(static_cast<double>(count));
    min_time.set(lo <= hi ? static_cast<double>(lo) : 0);
    max_time.set(lo <= hi ? static_cast<double>(hi) : 0);
    blocks.set(static_cast<double>(loaded));
    block_bytes.set(static_cast<double>(bytes));
    quarantined.set(static_cast<double>(c.quarantined));
    written.set(static_cast<double>(c.written));
    early_cuts.set(static_cast<double>(work.early_cuts()));
    compactions.set(static_cast<double>(c.compactions));
    compactions_failed.set(static_cast<double>(c.compactions_failed));
    repaired.set(static_cast<double>(c.repaired));
    scrub_bytes.set(static_cast<double>(scrub.bytes));
    scrub_progress.set(scrub.pass);
    scrub_last_pass.set(static_cast<double>(scrub.last_pass) / 1000);
  }
};

result<std::unique_ptr<storage>> storage::open(const options& opts, const environment& env) {
  return node_storage::open(opts, env);
}

node_storage::node_storage(const options& opts, const environment& env)
    : opts_(opts),
      metrics_(env.metrics ? *env.metrics : own_metrics_),
      growth_(std::make_shared<series_growth>(opts.shards, *env.clk)),
      limits_(opts, env.memory) {
  limits_.growth = growth_.get();
}

node_storage::~node_storage() = default;

result<std::unique_ptr<storage>> node_storage::open(const options& opts, const environment& env) {
  TROUPE_TRY(check_options(opts));
  std::unique_ptr<node_storage> out(new node_storage(opts, env));
  TROUPE_TRY(out->open_parts(env));
  return std::unique_ptr<storage>(std::move(out));
}

status node_storage::open_parts(const environment& env) {
  seeded_random seeds(env.seed);
  TROUPE_ASSIGN(lock_, open_data_folder(*env.fs, opts_));
  TROUPE_ASSIGN(blocks_,
                block_store::open(*env.fs, *env.clk, seeds.next(), join_path(opts_.dir, "blocks"),
                                  join_path(opts_.dir, "quarantine")));
  wal_settings wal = wal_settings::from(opts_);
  wal.fs = env.fs;
  wal.clk = env.clk;
  wal.metrics = &metrics_;
  wal.seed = seeds.next();
  TROUPE_ASSIGN(log_, wal_directory::open(wal));
  log_door_ = std::make_unique<wal_door>(*log_);
  for (uint32_t i = 0; i < opts_.shards; ++i) {
    TROUPE_ASSIGN(auto made, shard::open(*log_, i, limits_, *env.clk,
                                         chunk_folder(*env.fs, head_chunk_dir(opts_.dir), i)));
    shards_.push_back(std::move(made));
  }
  budgets_ = std::make_shared<troupe::storage::series_budgets>(shards_, *env.clk);
  budgets_->set(opts_.series_budgets);
  reader_ = std::make_unique<node_reader>(shards_, *blocks_, epochs_, env.memory);
  upkeep_ = std::make_unique<upkeep>(
      upkeep_parts{env.fs, env.clk, shards_, log_.get(), blocks_.get(), &epochs_, &limits_}, opts_,
      seeds.next());
  probe_ = std::make_unique<probe>(metrics_);
  damage_ = std::make_unique<damage_monitor>(metrics_, *env.fs, opts_.dir, *blocks_,
                                             upkeep_->scrub(), shards_);
  show_cardinality(metrics_, budgets_, growth_);
  publish();
  return {};
}

void node_storage::publish() {
  probe_->publish(shards_, *blocks_, *upkeep_);
  damage_->publish();
}

result<bool> node_storage::replay_step(uint32_t shard) {
  TROUPE_ASSIGN(const bool done, shards_[shard]->replay_step());
  if (done && ready())
    publish();
  return done;
}

replay_progress node_storage::progress() const {
  replay_progress out;
  for (const auto& s : shards_) {
    const auto p = s->replay_progress();
    out.last_segment += p.files;
    out.current_segment += p.files_done;
  }
  out.done = ready();
  return out;
}

result<bool> node_storage::maintain(uint32_t) {
  if (!ready())
    return false;
  budgets_->step();
  auto more = upkeep_->step();
  publish();
  return more;
}

bool node_storage::holds_too_much() const {
  return limits_.level() >= memory_level::give_back ||
         std::any_of(shards_.begin(), shards_.end(),
                     [](const auto& s) { return s->has_chunks_to_write_out(); });
}

status node_storage::delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                                   std::span<const matchers> selectors) {
  return upkeep_->delete_series(tenant, mint, maxt, selectors);
}

head_stats node_storage::stats(size_t limit) const {
  return head_statistics(shards_, limit);
}

void node_storage::set_retention(int64_t ms, uint64_t bytes) {
  upkeep_->set_retention(ms, bytes);
}

void node_storage::set_retention_rules(std::vector<retention_rule> rules) {
  upkeep_->set_retention_rules(std::move(rules));
}

void node_storage::set_out_of_order_window(int64_t ms) {
  limits_.out_of_order_window_ms.store(ms);
}

void node_storage::set_series_budgets(const std::vector<series_budget>& budgets) {
  budgets_->set(budgets);
}

std::vector<budget_state> node_storage::series_budgets(size_t groups) const {
  return budgets_->states(groups);
}

growth_report node_storage::growth(size_t limit) const {
  growth_report out = growth_->report(limit);
  count_active(shards_, out);
  return out;
}

status node_storage::close() {
  reader_->close();
  upkeep_->close();
  status first;
  for (const auto& s : shards_)
    if (status failed = s->close(); !failed.ok() && first.ok())
      first = std::move(failed);
  lock_.reset();
  if (!first.ok())
    out_log.error("closing the log: {}", first.message());
  return first;
}

}  // namespace troupe::storage
