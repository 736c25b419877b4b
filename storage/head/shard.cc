#include "storage/head/shard.h"

#include "storage/base/log.h"
#include "storage/head/head_querier.h"
#include "storage/model/tenant.h"

#include <algorithm>
#include <map>

namespace troupe::storage {
namespace {

constexpr logger log("head");
/// Series looked at per hold of the writer lock.
constexpr size_t garbage_slice = 4096;
/// After a start, samples of earlier runs are logged again for so long when they come again.
constexpr int64_t unsure_ms = 10LL * 60 * 1000;
/// Series whose chunks are closed per hold of the writer lock.
constexpr size_t seal_slice = 512;

const series_table_ptr& empty_table() {
  static const auto made = std::make_shared<const series_table>();
  return made;
}

// An estimate of what a batch keeps in memory until it is applied.
uint64_t batch_bytes(const write_batch& b) {
  return 256 + b.floats.size() * sizeof(float_entry) + b.starts.size() * sizeof(start_entry) +
         b.histograms.size() * 512 + b.exemplars.size() * 256 + b.metadata.size() * 256;
}

timestamp_ms minus(timestamp_ms a, int64_t b) {
  timestamp_ms out;
  return __builtin_sub_overflow(a, b, &out) ? min_time : out;
}

}  // namespace

time_bounds shard_limits::bounds(timestamp_ms now) const {
  time_bounds out;
  if (const int64_t retention = retention_ms.load(); retention > 0)
    out.oldest = minus(now, retention);
  // In-order samples of a slow sender are no late samples: half a block stays open in any case.
  if (const int64_t window = out_of_order_window_ms.load(); window >= 0)
    out.oldest = std::max(out.oldest, minus(now, std::max(window, min_block_ms / 2)));
  if (max_future_ms >= 0 && __builtin_add_overflow(now, max_future_ms, &out.newest))
    out.newest = max_time;
  return out;
}

void shard::add(const apply_counts& c) {
  totals_.stored += c.stored;
  totals_.duplicates += c.duplicates;
  totals_.conflicts += c.conflicts;
  totals_.out_of_order += c.out_of_order;
}

status shard::usable() const {
  if (closed_)
    return {errc::unavailable, "storage is closed"};
  return broken_;
}

status shard::log_failed(const status& why) {
  if (why.code() == errc::io_error)
    broken_ = why;
  // Those who wait for the next commit must hear of it there.
  if (!pending_.empty())
    lost_ = why;
  pending_.clear();
  budgets_.give_back_reserved();
  return why;
}

// What the log has already is never refused, and while it is replayed nobody knows what that is.
growth_limits shard::limits(bool no_growth) {
  growth_limits out;
  if (!replayed())
    return out;
  if (no_growth) {
    out.new_series_left = 0;
  } else if (limits_.max_series != 0) {
    const uint64_t now = limits_.node_series.load(std::memory_order_relaxed) + pending_new_series_;
    out.new_series_left = limits_.max_series - std::min(limits_.max_series, now);
  }
  out.budgets = budgets_.active() ? &budgets_ : nullptr;
  return out;
}

void shard::created(std::string_view tenant, const head_series& s) {
  budgets_.created(tenant, s);
  if (limits_.growth && replayed() && !is_own_tenant(tenant))
    limits_.growth->created(number_, s.lset());
}

void shard::removed(std::string_view tenant, const head_series& s) {
  budgets_.removed(tenant, s);
}

void shard::adopt_budgets(const budget_list_ptr& budgets) {
  {
    const std::lock_guard guard(mutex_);
    budgets_.adopt(budgets);
  }
  for (bool done = false; !done;) {
    const std::lock_guard guard(mutex_);
    done = budgets_.count_some(head_, garbage_slice);
  }
}

result<append_report> shard::append(const batch_ptr& batch) {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  if (!lost_.ok())
    return lost_;
  const bool replaying = !replayed();
  const uint64_t bytes = batch_bytes(*batch);
  if (replaying && unapplied_bytes_ + bytes > limits_.replay_pending_bytes)
    return {errc::unavailable, "replay is still running and its bound on waiting samples (" +
                                   std::to_string(limits_.replay_pending_bytes) +
                                   " bytes) is reached"};
  const memory_level memory = limits_.level();
  if (memory == memory_level::full)
    return {errc::unavailable, "no memory is left of --storage.memory-limit"};
  head_tenant& tenant = head_.tenant(batch->tenant);
  pending_batch pending{
      batch, tables_.get(tenant, batch->group, batch->table ? batch->table : empty_table()), {}};
  const bool no_growth = memory >= memory_level::no_growth && !replaying;
  const growth_limits growth = limits(no_growth);
  if (!replaying)
    resolve(tenant, *pending.refs, growth.any() || batch->taken_over);
  append_report report;
  pending.refused = admit(*batch, *pending.refs, limits_.bounds(clock_.now_ms()), growth, report);
  if (no_growth)
    report.no_memory = std::exchange(report.new_series_refused, 0);
  pending.batch = with_exemplar_times(batch, pending.refused);
  const bool known = batch->taken_over && !replaying &&
                     refuse_known(head_, *pending.batch, *pending.refs, unsure(), pending.refused);
  const bool nothing_left = pending.refused.everything(*batch) &&
                            (known || batch->metadata.empty()) && batch->source_position.empty();
  if (nothing_left) {
    count_repeated(pending.refused);
  } else {
    const status s = wal_->append(
        *pending.batch,
        {pending.refused.floats, pending.refused.histograms, pending.refused.exemplars});
    if (s.code() == errc::no_space || s.code() == errc::io_error)
      return log_failed(s);
    TROUPE_TRY(s);
    if (replaying)
      unapplied_bytes_ += bytes;
    pending_new_series_ += pending.refused.new_series;
    pending_.push_back(std::move(pending));
  }
  return report;
}

status shard::commit() {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  if (!lost_.ok())
    return std::exchange(lost_, status());
  const status s = commit_locked();
  lost_ = {};  // whoever waits for this commit hears of it now
  return s;
}

status shard::sync() {
  const std::lock_guard guard(mutex_);
  if (closed_)
    return {};
  TROUPE_TRY(usable());
  const status s = wal_->sync();
  return s.ok() ? s : log_failed(s);
}

status shard::commit_locked() {
  if (const status s = wal_->commit(); !s.ok())
    return log_failed(s);
  apply_pending();
  return {};
}

// Looks up the series of a table that may be gone, and with `all` those that are not known yet.
void shard::resolve(head_tenant& tenant, table_refs& refs, bool all) const {
  const bool stale = refs.generation != head_.generation();
  if (!stale && (!all || refs.complete))
    return;
  refs.complete = true;
  for (size_t i = 0; i < refs.refs.size(); ++i) {
    if (stale || refs.refs[i] == nullptr)
      refs.refs[i] = head_.find(tenant, refs.table->series[i]);
    refs.complete = refs.complete && refs.refs[i] != nullptr;
  }
  refs.generation = head_.generation();
}

void shard::apply_pending() {
  // While the replay runs the log is what brings them into the head.
  if (replayed())
    for (auto& p : pending_)
      apply(p);
  pending_.clear();
  pending_new_series_ = 0;
  budgets_.give_back_reserved();
}

void shard::apply(pending_batch& pending) {
  const write_batch& batch = *pending.batch;
  head_tenant& tenant = head_.tenant(batch.tenant);
  table_refs& refs = *pending.refs;
  resolve(tenant, refs, false);
  add(head_.apply(tenant,
                  {.floats = batch.floats,
                   .starts = batch.starts,
                   .histograms = batch.histograms,
                   .exemplars = batch.exemplars,
                   .metadata = batch.metadata,
                   .refused_floats = pending.refused.floats,
                   .refused_histograms = pending.refused.histograms,
                   .refused_exemplars = pending.refused.exemplars},
                  refs.refs, [&](uint32_t position) {
                    return head_.find_or_create(tenant, refs.table->series[position]);
                  }));
  count_repeated(pending.refused);
}

// Up to where what the head has may not be on stable storage. Who sent it and got no answer sends
// it again, soon.
timestamp_ms shard::unsure() const {
  return clock_.now_ms() - replayed_at_ms_ < unsure_ms ? replayed_newest_ : min_time;
}

void shard::count_repeated(const refusals& refused) {
  totals_.duplicates += refused.repeated_equal;
  totals_.conflicts += refused.repeated_different;
}

size_t shard::uncommitted_batches() const {
  const std::lock_guard guard(mutex_);
  return pending_.size();
}

shard_appender::totals shard::counts() const {
  const std::lock_guard guard(mutex_);
  return totals_;
}

wal_reader::progress shard::replay_progress() const {
  const std::lock_guard guard(mutex_);
  return progress_;
}

wal_report shard::replay_report() const {
  const std::lock_guard guard(mutex_);
  return report_;
}

status shard::delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                            std::span<const matchers> selectors) {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  if (!replayed())
    return {errc::unavailable, "replay is still running"};
  TROUPE_TRY(commit_locked());
  const head_tenant* t = head_.find_tenant(tenant);
  if (t == nullptr)
    return {};
  std::map<uint32_t, labels> hit;
  for (const auto& ms : selectors) {
    const series_selection selected = head_.select(*t, ms);
    for (const head_series* s : selected.series)
      if (head_.samples().overlaps(*s, mint, maxt))
        hit.emplace(s->ref(), s->lset());
  }
  if (hit.empty())
    return {};
  std::vector<tombstone_entry> entries;
  for (const auto& [ref, lset] : hit)
    entries.push_back({lset, mint, maxt});
  status s = wal_->append_tombstones(tenant, entries);
  if (s.ok())
    s = wal_->commit();
  if (!s.ok())
    return log_failed(s);
  for (const auto& e : entries)
    head_.erase(tenant, e.series, mint, maxt);
  return {};
}

result<uint32_t> shard::cut() {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(cut_locked());
  return wal_->current_segment();
}

status shard::cut_locked() {
  TROUPE_TRY(usable());
  TROUPE_TRY(commit_locked());
  const status s = wal_->cut();
  return s.ok() ? s : log_failed(s);
}

bool shard::collect_garbage() {
  const std::lock_guard guard(mutex_);
  const bool done = head_.collect_garbage(garbage_slice);
  if (done)
    tables_.drop_idle();
  return done;
}

bool shard::reclaim() {
  const std::lock_guard guard(mutex_);
  return head_.reclaim();
}

tenant_ranges shard::seal(timestamp_ms bound) {
  tenant_ranges out;
  {
    const std::lock_guard guard(mutex_);
    head_.begin_cut(bound);
  }
  for (bool done = false; !done;) {
    const std::lock_guard guard(mutex_);
    done = head_.seal(seal_slice, out);
  }
  return out;
}

void shard::release_cut() {
  const std::lock_guard guard(mutex_);
  head_.release_cut();
}

void shard::remove_file_of(chunk_position region) {
  if (const status s = chunk_files_.remove(region); !s.ok())
    log.warn("shard {}: a file of closed chunks stays: {}", number_, s.message());
}

void shard::remove_given_up() {
  for (const chunk_position region : std::exchange(given_up_, {}))
    remove_file_of(region);
}

// Nothing, if no region was filled since one could not be written.
std::vector<chunk_region_ptr> shard::regions_to_write_out() const {
  auto full = head_.chunks().full_regions();
  if (!full.empty() && full.back()->begin <= failed_until_)
    full.clear();
  return full;
}

bool shard::has_chunks_to_write_out() const {
  const std::lock_guard guard(mutex_);
  return !regions_to_write_out().empty();
}

bool shard::write_out_chunks() {
  chunk_region_ptr region;
  chunk_position newest = 0;
  {
    const std::lock_guard guard(mutex_);
    const auto more = head_.chunks().take_given_up();
    given_up_.insert(given_up_.end(), more.begin(), more.end());
    if (const auto full = regions_to_write_out(); !full.empty()) {
      region = full.front();
      newest = full.back()->begin;
    }
  }
  if (!has_snapshot_)
    remove_given_up();
  if (!region)
    return false;
  // A full region does not change: no lock over the file operations.
  auto file = chunk_files_.write(region->begin, region->bytes().substr(0, region->used));
  bool moved = false;
  {
    const std::lock_guard guard(mutex_);
    if (file.ok())
      moved = head_.chunks().move_to(region->begin, std::move(*file));
    else
      failed_until_ = newest;
  }
  if (!file.ok())
    log.warn("shard {}: closed chunks stay in memory: {}", number_, file.error().message());
  else if (!moved)
    remove_file_of(region->begin);
  return file.ok();
}

status shard::close() {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  closed_ = true;
  if (const status s = commit_locked(); !s.ok())
    return s;
  return wal_->close();
}

}  // namespace troupe::storage
