// The storage of one node: opens folder, log, blocks and shards in order and hands out the doors.
// Thread rules as in storage.h.
#pragma once

#include "storage/damage_monitor.h"
#include "storage/node_reader.h"
#include "storage/series_budgets.h"
#include "storage/storage.h"
#include "storage/upkeep.h"
#include "storage/wal/wal_door.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

class node_storage final : public storage {
 public:
  static result<std::unique_ptr<storage>> open(const options& opts, const environment& env);
  ~node_storage() override;

  uint32_t shard_count() const override { return static_cast<uint32_t>(shards_.size()); }
  shard_appender& appender(uint32_t shard) override { return *shards_[shard]; }
  result<bool> replay_step(uint32_t shard) override;
  replay_progress progress() const override;
  bool ready() const override { return reader_->ready(); }
  queryable& reader() override { return *reader_; }
  log_door& log() override { return *log_door_; }
  result<bool> maintain(uint32_t shard) override;
  bool holds_too_much() const override;
  status delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                       std::span<const matchers> selectors) override;
  status clean_tombstones() override { return upkeep_->clean_tombstones(); }
  void flush() override { upkeep_->ask_for_flush(); }
  result<std::string> snapshot(bool skip_head) override { return upkeep_->snapshot(skip_head); }
  head_stats stats(size_t limit) const override;
  uint64_t series_count() const override { return limits_.node_series.load(); }
  std::vector<block_info> blocks() const override { return blocks_->infos(); }
  damage_report damage() const override { return damage_->report(); }
  void set_retention(int64_t ms, uint64_t bytes) override;
  void set_retention_rules(std::vector<retention_rule> rules) override;
  void set_out_of_order_window(int64_t ms) override;
  void set_series_budgets(const std::vector<series_budget>& budgets) override;
  std::vector<budget_state> series_budgets(size_t groups) const override;
  growth_report growth(size_t limit) const override;
  status close() override;

 private:
  struct probe;

  node_storage(const options& opts, const environment& env);
  status open_parts(const environment& env);
  void publish();

  const options opts_;
  registry own_metrics_;  ///< stands in when the environment has none
  registry& metrics_;
  std::unique_ptr<file_lock> lock_;
  const std::shared_ptr<series_growth> growth_;
  shard_limits limits_;
  read_epochs epochs_;
  std::unique_ptr<wal_directory> log_;
  std::unique_ptr<wal_door> log_door_;
  std::unique_ptr<block_store> blocks_;
  std::vector<std::unique_ptr<shard>> shards_;
  std::shared_ptr<troupe::storage::series_budgets> budgets_;
  std::unique_ptr<node_reader> reader_;
  std::unique_ptr<upkeep> upkeep_;
  std::unique_ptr<probe> probe_;
  std::unique_ptr<damage_monitor> damage_;
};

}  // namespace troupe::storage
