#include "storage/upkeep.h"

#include "storage/base/log.h"
#include "storage/chunk/series_merge.h"
#include "storage/data_folder.h"
#include "storage/head/head_querier.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace troupe::storage {
namespace {

constexpr logger log("upkeep");
/// Late samples of all heads that make a cut worth while before its time: about as many a series as
/// a block has, or small blocks would be cut and merged all the time.
constexpr uint64_t max_late_samples = 1'000'000;
constexpr uint64_t max_late_samples_per_series = 240;
/// That part of a range is waited for behind its end: samples that come later are late.
constexpr int64_t settle_part = 8;
constexpr size_t rewrite_step_bytes = 8 << 20;
constexpr int64_t expiry_interval_ns = 10'000'000'000;
constexpr int64_t tidy_interval_ns = 5'000'000'000;

// As Prometheus names snapshots: 20240131T120000Z-0123456789abcdef.
std::string snapshot_name(timestamp_ms now, uint64_t random) {
  const std::time_t seconds = now / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return fmt::format("{}-{:016x}", text, random);
}

}  // namespace

upkeep::upkeep(const upkeep_parts& parts, const options& opts, uint64_t seed)
    : parts_(parts),
      dir_(opts.dir),
      range_ms_(opts.min_block_ms),
      max_block_ms_(opts.max_block_ms),
      rules_(opts.retention_rules),
      snapshot_interval_ns_(opts.snapshot_interval_ms * 1'000'000),
      snapshot_log_bytes_(opts.snapshot_log_bytes),
      random_(seed),
      scrub_(*parts.blocks, *parts.clk, random_.next(), opts.scrub_bytes_per_s),
      rewrites_(parts.shards.size()),
      snapshots_(parts.shards.size(), {false, parts.clk->monotonic_ns()}),
      garbage_(parts.shards.size(), true) {
  set_retention(opts.retention_ms, opts.retention_bytes);
}

upkeep::~upkeep() = default;

status upkeep::usable() const {
  if (closed_)
    return {errc::unavailable, "storage is closed"};
  if (!std::all_of(parts_.shards.begin(), parts_.shards.end(),
                   [](const auto& s) { return s->replayed(); }))
    return {errc::unavailable, "replay is still running"};
  return {};
}

void upkeep::close() {
  const std::lock_guard guard(mutex_);
  if (usable().ok() && !cut_ && snapshot_interval_ns_ != 0)
    for (const auto& s : parts_.shards)
      if (s->cost_of_start().log_bytes != 0)
        s->take_snapshot().ignore();  // then a start reads the log
  closed_ = true;
  for (auto& r : rewrites_)
    r.reset();
}

timestamp_ms upkeep::range_end(timestamp_ms start) const {
  return start > max_time - range_ms_ ? max_time : start + range_ms_;
}

result<bool> upkeep::step() {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  if (!bound_known_)
    start_bound();
  parts_.blocks->set_unreadable_aside();
  // First what frees space: it may be what the rest is waiting for.
  TROUPE_TRY(expire());
  for (const auto& s : parts_.shards)
    if (s->write_out_chunks())
      return true;
  if (cut_ && !cut_->published) {
    if (!cut_->ranges.empty())
      TROUPE_TRY(write_next_block());
    else
      publish();
    return true;
  }
  if (cut_ && parts_.epochs->drained()) {
    release();
    return true;
  }
  if (!cut_ && take_snapshots())
    return true;
  TROUPE_ASSIGN(const bool rewriting, rewrite_log());
  if (rewriting)
    return true;
  if (!cut_) {
    if (const auto bound = wanted_bound()) {
      TROUPE_TRY(begin_cut(*bound));
      return true;
    }
    if (const auto bound = early_bound()) {
      TROUPE_TRY(begin_cut(*bound));
      ++early_cuts_;
      log.info("memory is short: samples go to a block before their time");
      return true;
    }
    if (const auto bound = flush_bound()) {
      TROUPE_TRY(begin_cut(*bound));
      return true;
    }
  }
  if (collect_garbage())
    return true;
  if (memory_is_short())
    tidy();
  TROUPE_ASSIGN(const bool dropped, parts_.blocks->drop_expired_series());
  if (dropped)
    return true;
  TROUPE_ASSIGN(const bool compacted, parts_.blocks->compact_once(plan()));
  merge_all_ = merge_all_ && compacted;
  return compacted ? result<bool>(true) : scrub_.step();
}

// Where earlier runs have cut: behind the newest block, else before the oldest sample.
void upkeep::start_bound() {
  bound_known_ = true;
  for (const auto& b : parts_.blocks->blocks())
    bound_ = std::max(bound_, b->meta().max_time);
  if (bound_ == min_time) {
    timestamp_ms oldest = max_time;
    for (const auto& s : parts_.shards)
      oldest = std::min(oldest, s->memory().min_ts());
    if (oldest == max_time) {
      bound_known_ = false;  // nothing to cut yet
      return;
    }
    bound_ = range_start(oldest, range_ms_);
  }
  for (const auto& s : parts_.shards)
    s->memory().set_late_bound(bound_);
}

upkeep::head_figures upkeep::heads() const {
  head_figures out;
  for (const auto& s : parts_.shards) {
    out.series += s->memory().series_count();
    out.newest = std::max(out.newest, s->memory().max_ts());
    out.late_samples += s->memory().late_samples();
  }
  return out;
}

// The bound of the cut that is due: an eighth of a range after one has ended, or when the heads
// hold many late samples of ranges that were cut before.
std::optional<timestamp_ms> upkeep::wanted_bound() const {
  const head_figures now = heads();
  if (!bound_known_ || now.newest < min_time + 2 * range_ms_)
    return std::nullopt;
  const timestamp_ms bound = range_start(now.newest - range_ms_ / settle_part, range_ms_);
  if (bound > bound_)
    return bound;
  if (now.late_samples > std::max(max_late_samples, now.series * max_late_samples_per_series))
    return bound_;
  return std::nullopt;
}

// While memory is short: an eighth of a range behind the newest samples, once that gives as much
// back. Series that got none since are gone afterwards; those that do get some stay known.
std::optional<timestamp_ms> upkeep::early_bound() const {
  if (!bound_known_ || !memory_is_short())
    return std::nullopt;
  const timestamp_ms newest = heads().newest;
  if (newest < min_time + 2 * range_ms_)
    return std::nullopt;
  // One sample of a clock that is ahead must not make all others late.
  const int64_t part = std::max<int64_t>(range_ms_ / settle_part, 1);
  const timestamp_ms bound = std::min(newest, parts_.clk->now_ms()) - part;
  if (bound - part < bound_)
    return std::nullopt;
  return bound;
}

// Behind the newest samples up to now, when that was asked for.
std::optional<timestamp_ms> upkeep::flush_bound() {
  if (!bound_known_ || !flush_asked_.exchange(false, std::memory_order_relaxed))
    return std::nullopt;
  merge_all_ = true;
  const head_figures now = heads();
  const timestamp_ms newest = std::min(now.newest, parts_.clk->now_ms());
  if (newest < bound_)
    return now.late_samples != 0 ? std::optional(bound_) : std::nullopt;
  return newest + 1;
}

bool upkeep::memory_is_short() const {
  return parts_.limits->level() >= memory_level::give_back;
}

// Ended series and idle tables are let go of in the next rounds.
void upkeep::tidy() {
  const int64_t now = parts_.clk->monotonic_ns();
  if (now < next_tidy_ns_)
    return;
  next_tidy_ns_ = now + tidy_interval_ns;
  std::fill(garbage_.begin(), garbage_.end(), true);
}

status upkeep::begin_cut(timestamp_ms bound) {
  std::vector<uint32_t> segments;
  for (const auto& s : parts_.shards) {
    TROUPE_ASSIGN(const uint32_t segment, s->cut());
    segments.push_back(segment);
  }
  cut_job job;
  job.bound = bound;
  for (const auto& s : parts_.shards)
    for (auto& [tenant, ranges] : s->seal(bound))
      job.ranges[tenant].merge(ranges);
  cut_segments_ = std::move(segments);
  bound_ = bound;
  cut_ = std::move(job);
  return {};
}

status upkeep::write_next_block() {
  const auto tenant = cut_->ranges.begin();
  const timestamp_ms start = *tenant->second.begin();
  const timestamp_ms end = std::min(range_end(start), cut_->bound);
  std::vector<std::unique_ptr<series_set>> sources;
  for (const auto& s : parts_.shards)
    if (const auto* t = s->memory().find_tenant(tenant->first))
      sources.push_back(select_set_aside(s->memory(), *t, start, end - 1));
  auto merged = merge_series(std::move(sources));
  // All of it is older than the shortest retentions.
  if (policy_->by_series())
    merged = without_expired(std::move(merged), policy_, end + 1);
  TROUPE_ASSIGN(const block_meta meta, parts_.blocks->write(tenant->first, start, end, *merged));
  log.info("wrote block {}: {} series, {} samples", meta.id, meta.series, meta.samples);
  tenant->second.erase(tenant->second.begin());
  if (tenant->second.empty())
    cut_->ranges.erase(tenant);
  return {};
}

void upkeep::publish() {
  parts_.epochs->turn();
  cut_->published = true;
  // A rewrite that is under way or failed is replaced: this one takes over more.
  for (size_t i = 0; i < parts_.shards.size(); ++i)
    rewrites_[i] = rewrite_job{
        cut_segments_[i],
        std::make_unique<checkpoint_rule>(parts_.shards[i]->memory(), cut_->bound), nullptr};
}

void upkeep::release() {
  for (const auto& s : parts_.shards)
    s->release_cut();
  cut_.reset();
  std::fill(garbage_.begin(), garbage_.end(), true);
  for (auto& s : snapshots_)
    s.due = snapshot_interval_ns_ != 0;
}

bool upkeep::snapshot_due(size_t shard) const {
  const snapshot_job& job = snapshots_[shard];
  if (job.due || snapshot_interval_ns_ == 0)
    return job.due;
  const auto cost = parts_.shards[shard]->cost_of_start();
  const int64_t age = parts_.clk->monotonic_ns() - job.last_ns;
  return cost.log_bytes > snapshot_log_bytes_ + cost.snapshot_bytes / 4 ||
         (cost.log_bytes != 0 && age >= snapshot_interval_ns_);
}

// Of the next shard whose log has grown or is old enough; false if there is none.
bool upkeep::take_snapshots() {
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    if (!snapshot_due(i))
      continue;
    // A failure is told in the log; the next try has its time. Nothing depends on it.
    const bool written = parts_.shards[i]->take_snapshot().ok();
    snapshots_[i] = {false, parts_.clk->monotonic_ns()};
    if (written)
      return true;
  }
  return false;
}

// A bounded part of the next shard's checkpoint; false if there is none.
result<bool> upkeep::rewrite_log() {
  for (size_t i = 0; i < rewrites_.size(); ++i) {
    auto& job = rewrites_[i];
    if (!job)
      continue;
    if (!job->writer) {
      auto opened = checkpoint_writer::open(*parts_.log, static_cast<uint32_t>(i), job->end_segment,
                                            *job->rule);
      if (opened.code() == errc::already_exists) {
        // An earlier try got as far as the folder's sync.
        TROUPE_TRY(parts_.fs->sync_directory(parts_.log->path()));
        job.reset();
        TROUPE_TRY(parts_.log->collect().error());
        return true;
      }
      if (!opened.ok())
        return opened.error();
      job->writer = std::move(*opened);
    }
    const auto done = job->writer->step(rewrite_step_bytes);
    if (!done.ok()) {
      job->writer.reset();  // from its start again
      return done.error();
    }
    if (*done) {
      job.reset();
      TROUPE_TRY(parts_.log->collect().error());
    }
    return true;
  }
  return false;
}

bool upkeep::collect_garbage() {
  for (const auto& s : parts_.shards)
    s->reclaim();
  for (size_t i = 0; i < garbage_.size(); ++i) {
    if (!garbage_[i])
      continue;
    if (parts_.shards[i]->collect_garbage())
      garbage_[i] = false;
    return true;
  }
  return false;
}

void upkeep::set_retention(int64_t ms, uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  use_policy(ms);
  retention_bytes_ = bytes;
}

void upkeep::set_retention_rules(std::vector<retention_rule> rules) {
  const std::lock_guard guard(mutex_);
  rules_ = std::move(rules);
  use_policy(policy_->otherwise_ms());
}

void upkeep::use_policy(int64_t otherwise_ms) {
  policy_ = std::make_shared<retention_policy>(otherwise_ms, rules_);
  parts_.blocks->set_retention_policy(policy_);
  parts_.limits->retention_ms.store(policy_->longest_ms());
}

plan_options upkeep::plan() const {
  plan_options out;
  out.min_block_ms = range_ms_;
  out.max_block_ms = max_block_ms_;
  if (const int64_t retention = policy_->otherwise_ms(); retention > 0)
    out.max_block_ms = std::min(out.max_block_ms, retention / 10);
  out.max_block_ms = std::max(out.max_block_ms, range_ms_);
  out.everything = merge_all_;
  return out;
}

status upkeep::expire() {
  const int64_t now = parts_.clk->monotonic_ns();
  if (now < next_expiry_ns_)
    return {};
  next_expiry_ns_ = now + expiry_interval_ns;
  const retention_options opts{policy_->longest_ms(), retention_bytes_};
  uint64_t other_bytes = 0;
  if (opts.retention_bytes != 0) {
    TROUPE_ASSIGN(const uint64_t log_bytes, parts_.fs->tree_size(parts_.log->path()));
    TROUPE_ASSIGN(const uint64_t head_bytes, parts_.fs->tree_size(head_chunk_dir(dir_)));
    other_bytes = log_bytes + head_bytes;
  }
  TROUPE_ASSIGN(const uint64_t gone, parts_.blocks->apply_retention(opts, other_bytes));
  if (gone > 0)
    log.info("retention removed {} blocks", gone);
  return {};
}

status upkeep::delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                             std::span<const matchers> selectors) {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  // Until the log behind a cut is rewritten it holds samples that the heads have given up: a
  // restart would bring them back beside the tombstones of the blocks.
  for (bool more = true; more;) {
    TROUPE_ASSIGN(more, rewrite_log());
  }
  for (const auto& s : parts_.shards)
    TROUPE_TRY(s->delete_series(tenant, mint, maxt, selectors));
  std::fill(garbage_.begin(), garbage_.end(), true);
  return parts_.blocks->delete_series(tenant, mint, maxt, selectors);
}

status upkeep::clean_tombstones() {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  return parts_.blocks->clean_tombstones();
}

status upkeep::write_head_to(const std::string& dir) {
  tenant_ranges ranges;
  for (const auto& s : parts_.shards)
    for (const auto* tenant : s->memory().tenants())
      ranges[tenant->name].merge(head_ranges(s->memory(), *tenant));
  for (const auto& [name, starts] : ranges)
    for (const timestamp_ms start : starts) {
      block_spec spec;
      spec.id = make_block_id(*parts_.clk, random_);
      spec.tenant = name;
      spec.min_time = start;
      spec.max_time = range_end(start);
      std::vector<std::unique_ptr<series_set>> sources;
      for (const auto& s : parts_.shards)
        if (const auto* t = s->memory().find_tenant(name))
          sources.push_back(select_head(s->memory(), *t, start, spec.max_time - 1, {}));
      const auto merged = merge_series(std::move(sources));
      TROUPE_TRY(write_block(*parts_.fs, dir, spec, *merged).error());
    }
  return {};
}

result<std::string> upkeep::snapshot(bool skip_head) {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  file_system& fs = *parts_.fs;
  const std::string name = snapshot_name(parts_.clk->now_ms(), random_.next());
  const std::string root = join_path(dir_, "snapshots");
  const std::string target = join_path(root, name), partial = target + ".tmp";
  const auto fill = [&]() -> status {
    const std::string blocks = join_path(partial, "blocks");
    TROUPE_TRY(fs.create_directories(blocks));
    TROUPE_TRY(parts_.blocks->snapshot(blocks));
    if (!skip_head)
      TROUPE_TRY(write_head_to(blocks));
    TROUPE_TRY(write_folder_meta(fs, partial));
    TROUPE_TRY(fs.rename(partial, target));
    return fs.sync_directory(root);
  };
  if (const status s = fill(); !s.ok()) {
    fs.remove_all(partial).ignore();
    return s;
  }
  return name;
}

}  // namespace troupe::storage
