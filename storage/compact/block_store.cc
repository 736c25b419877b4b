#include "storage/compact/block_store.h"

#include "storage/base/damage.h"
#include "storage/base/log.h"
#include "storage/block/block_layout.h"
#include "storage/compact/compactor.h"
#include "storage/compact/damaged_pieces.h"
#include "storage/index/index_reader.h"

#include <algorithm>
#include <optional>
#include <set>

namespace troupe::storage {
namespace {

constexpr logger log("blocks");

bool earlier(const block_ptr& a, const block_ptr& b) {
  const auto &x = a->meta(), &y = b->meta();
  return x.min_time != y.min_time ? x.min_time < y.min_time : x.id < y.id;
}

block_info info_of(const block_meta& m) {
  block_info info;
  info.id = m.id;
  info.min_time = m.min_time;
  info.max_time = m.max_time;
  info.series = m.series;
  info.samples = m.samples;
  info.bytes = m.chunk_bytes + m.index_bytes;
  info.level = m.level;
  return info;
}

// The range of a block by the chunks in its index; nothing if the index does not hold either.
std::optional<block_info> info_by_index(file_system& fs, const std::string& path,
                                        const std::string& id) {
  const auto file = fs.map(join_path(path, block_layout::index_file));
  if (!file.ok())
    return std::nullopt;
  const auto index = index_reader::open((*file)->data(), block_seed(id));
  if (!index.ok())
    return std::nullopt;
  block_info info;
  info.min_time = max_time;
  info.max_time = min_time;
  info.series = (*index)->series_count();
  labels series;
  std::vector<chunk_ref> chunks;
  series_cursor cursor;
  for (series_ref ref = 0; ref < info.series; ++ref) {
    if (!(*index)->series(ref, series, &chunks, nullptr, &cursor).ok())
      continue;
    for (const auto& c : chunks) {
      info.min_time = std::min(info.min_time, c.min_ts);
      info.max_time = std::max(info.max_time, c.max_ts + (c.max_ts < max_time));
      info.samples += c.samples;
    }
  }
  if ((*file)->failed() || info.samples == 0)
    return std::nullopt;
  return info;
}

// What is known of a block that does not open.
block_info info_of_damaged(file_system& fs, const std::string& dir, const std::string& id,
                           std::string reason) {
  block_info info;
  info.range_known = false;
  const auto path = join_path(dir, id);
  const auto text = read_file(fs, join_path(path, block_layout::meta_file));
  if (const auto meta = text.ok() ? decode_meta(*text) : text.error(); meta.ok())
    info = info_of(*meta);
  else if (auto found = info_by_index(fs, path, id))
    info = *found;
  info.id = id;
  info.bytes = fs.tree_size(path).value_or(0);
  info.quarantined = true;
  info.reason = std::move(reason);
  return info;
}

}  // namespace

block_store::block_store(file_system& fs, const clock& clk, uint64_t seed, std::string dir,
                         std::string quarantine_dir)
    : fs_(fs),
      clock_(clk),
      dir_(std::move(dir)),
      quarantine_dir_(std::move(quarantine_dir)),
      random_(seed) {}

result<std::unique_ptr<block_store>> block_store::open(file_system& fs, const clock& clk,
                                                       uint64_t seed, std::string dir,
                                                       std::string quarantine_dir) {
  std::unique_ptr<block_store> store(
      new block_store(fs, clk, seed, std::move(dir), std::move(quarantine_dir)));
  TROUPE_TRY(store->load());
  return store;
}

status block_store::load() {
  TROUPE_TRY(fs_.create_directories(dir_));
  TROUPE_TRY(fs_.create_directories(quarantine_dir_));
  // What we see may only be in the page cache yet; the removals below rest on it.
  TROUPE_TRY(fs_.sync_directory(dir_));
  load_quarantine();
  TROUPE_ASSIGN(const auto entries, fs_.list(dir_));
  std::vector<block_ptr> healthy;
  std::vector<std::pair<std::string, status>> failed;
  for (const auto& entry : entries) {
    const auto path = join_path(dir_, entry.name);
    if (entry.name.ends_with(block_layout::temporary_suffix)) {
      if (status s = fs_.remove_all(path); !s.ok())
        log.warn("cannot remove a leftover: {}", s.to_string());
    } else if (is_block_id(entry.name)) {
      auto block = block_reader::open(fs_, path, damage_);
      if (block.ok())
        healthy.push_back(std::move(*block));
      else
        failed.emplace_back(entry.name, block.error());
    }
  }
  std::set<std::string> superseded;
  for (const auto& b : healthy)
    superseded.insert(b->meta().parents.begin(), b->meta().parents.end());
  for (const auto& [id, why] : failed) {
    if (superseded.contains(id)) {
      leftovers_.push_back(id);
    } else {
      ++counts_.load_failures;
      set_aside(id, why);
    }
  }
  std::erase_if(healthy, [&](const block_ptr& b) {
    const bool gone = superseded.contains(b->meta().id);
    if (gone)
      leftovers_.push_back(b->meta().id);
    return gone;
  });
  remove_leftovers();
  std::sort(healthy.begin(), healthy.end(), earlier);
  blocks_ = std::move(healthy);
  return {};
}

void block_store::load_quarantine() {
  const auto entries = fs_.list(quarantine_dir_);
  if (!entries.ok())
    return;
  for (const auto& entry : *entries) {
    if (!is_block_id(entry.name))
      continue;
    const auto item = read_quarantined(fs_, join_path(quarantine_dir_, entry.name), true);
    note_quarantined(info_of_damaged(fs_, quarantine_dir_, entry.name, item.reason));
  }
}

void block_store::note_quarantined(block_info info) {
  const std::lock_guard lock(mutex_);
  std::erase_if(quarantined_, [&](const block_info& known) { return known.id == info.id; });
  quarantined_.push_back(std::move(info));
  counts_.quarantined = quarantined_.size();
}

void block_store::set_aside(const std::string& id, const status& why) {
  log.error("block {} is set aside: {}", id, why.to_string());
  note_quarantined(info_of_damaged(fs_, dir_, id, why.to_string()));
  // Only damage moves: a file that could not be read now, or is of a later version, may open next
  // time.
  if (why.code() != errc::corruption)
    return;
  const auto target = join_path(quarantine_dir_, id);
  status s = fs_.remove_all(target);  // of a repair that did not come to its end
  if (s.ok())
    s = fs_.rename(join_path(dir_, id), target);
  if (s.ok())
    s = fs_.sync_directory(quarantine_dir_);
  if (s.ok())
    s = fs_.sync_directory(dir_);
  if (s.ok())
    s = note_quarantine(fs_, target, clock_.now_ms(), why.to_string());
  if (!s.ok())
    log.warn("cannot move block {} to quarantine: {}", id, s.to_string());
}

// Replaced blocks stay harmless while they cannot be removed: whoever replaces them is named as
// their child again in every later block.
void block_store::remove_leftovers() {
  std::erase_if(leftovers_, [this](const std::string& id) {
    const status s = remove_block(fs_, dir_, id);
    if (!s.ok())
      log.warn("cannot remove block {}: {}", id, s.to_string());
    return !fs_.exists(join_path(dir_, id));
  });
}

std::string block_store::new_id() {
  std::set<std::string> taken;
  for (const auto& b : blocks()) {
    taken.insert(b->meta().parents.begin(), b->meta().parents.end());
    taken.insert(b->meta().sources.begin(), b->meta().sources.end());
  }
  for (;;) {
    auto id = make_block_id(clock_, random_);
    if (!taken.contains(id) && !fs_.exists(join_path(dir_, id)) &&
        !fs_.exists(join_path(quarantine_dir_, id)))
      return id;
  }
}

std::vector<block_ptr> block_store::blocks() const {
  const std::lock_guard lock(mutex_);
  return blocks_;
}

std::vector<block_info> block_store::infos() const {
  const std::lock_guard lock(mutex_);
  std::vector<block_info> out;
  for (const auto& b : blocks_)
    out.push_back(info_of(b->meta()));
  out.insert(out.end(), quarantined_.begin(), quarantined_.end());
  return out;
}

block_store_counts block_store::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

timestamp_ms block_store::newest_end(std::string_view tenant) const {
  timestamp_ms newest = min_time;
  for (const auto& b : blocks())
    if (b->meta().tenant == tenant)
      newest = std::max(newest, b->meta().max_time);
  return newest;
}

std::vector<block_ptr> block_store::find(const std::vector<std::string>& ids) const {
  std::vector<block_ptr> out;
  for (const auto& b : blocks())
    if (std::find(ids.begin(), ids.end(), b->meta().id) != ids.end())
      out.push_back(b);
  return out;
}

void block_store::publish(const std::vector<block_ptr>& gone, const block_ptr& fresh) {
  const std::lock_guard lock(mutex_);
  std::erase_if(blocks_, [&](const block_ptr& b) {
    return std::find(gone.begin(), gone.end(), b) != gone.end();
  });
  if (fresh)
    blocks_.insert(std::upper_bound(blocks_.begin(), blocks_.end(), fresh, earlier), fresh);
}

void block_store::retire(const std::vector<block_ptr>& gone, const block_ptr& kept) {
  for (const auto& b : gone) {
    if (b->damage().any() && b != kept)
      if (status s = keep_damaged(*b); !s.ok())
        log.warn("cannot keep what is damaged of block {}: {}", b->meta().id, s.to_string());
    leftovers_.push_back(b->meta().id);
  }
  remove_leftovers();
}

// What could not be read of a block that is about to be replaced goes to the quarantine folder.
status block_store::keep_damaged(const block_reader& block) {
  const auto& id = block.meta().id;
  const auto target = join_path(quarantine_dir_, id);
  TROUPE_TRY(fs_.remove_all(target));
  const auto pieces = damaged_pieces::of(block);
  if (pieces)
    TROUPE_TRY(pieces->write(fs_, block, target));
  else
    TROUPE_TRY(link_block(block, quarantine_dir_));
  TROUPE_TRY(fs_.sync_directory(quarantine_dir_));
  const status why(errc::corruption, pieces ? pieces->reason() : "damaged, replaced by what holds");
  log.error("block {}: {}", id, why.to_string());
  TROUPE_TRY(note_quarantine(fs_, target, clock_.now_ms(), why.to_string()));
  note_quarantined(info_of_damaged(fs_, quarantine_dir_, id, why.to_string()));
  return {};
}

result<block_meta> block_store::write(std::string_view tenant, timestamp_ms mint, timestamp_ms end,
                                      series_set& source) {
  const std::lock_guard work(work_mutex_);
  block_spec spec;
  spec.id = new_id();
  spec.tenant = tenant;
  spec.min_time = mint;
  spec.max_time = end;
  TROUPE_ASSIGN(auto meta, write_block(fs_, dir_, spec, source));
  if (meta.samples == 0)
    return meta;
  auto block = block_reader::open(fs_, join_path(dir_, meta.id), damage_);
  if (!block.ok()) {
    // The caller keeps the samples and writes them again.
    remove_block(fs_, dir_, meta.id).ignore();
    return block.error();
  }
  publish({}, *block);
  const std::lock_guard lock(mutex_);
  ++counts_.written;
  return meta;
}

status block_store::replace(const std::vector<std::string>& ids, const block_ptr& kept) {
  const auto parents = find(ids);
  if (parents.empty())
    return {};
  block_spec spec = merged_spec(parents, new_id());
  spec.parents.insert(spec.parents.end(), leftovers_.begin(), leftovers_.end());
  TROUPE_ASSIGN(const auto meta,
                compact_blocks(fs_, dir_, spec, parents, {policy_, reference_time()}));
  block_ptr child;
  if (meta.samples != 0) {
    auto opened = block_reader::open(fs_, join_path(dir_, meta.id), damage_);
    if (!opened.ok()) {
      remove_block(fs_, dir_, meta.id).ignore();
      return opened.error();
    }
    child = std::move(*opened);
  }
  publish(parents, child);
  retire(parents, kept);
  return {};
}

result<bool> block_store::compact_once(const plan_options& opts) {
  const std::lock_guard work(work_mutex_);
  const auto snapshot = blocks();
  std::vector<block_summary> summaries;
  for (const auto& b : snapshot)
    summaries.push_back({&b->meta(), b->tombstoned_series()});
  const auto ids = plan_compaction(summaries, opts);
  if (ids.empty())
    return false;
  const status s = replace(ids);
  const std::lock_guard lock(mutex_);
  ++(s.ok() ? counts_.compactions : counts_.compactions_failed);
  return s.ok() ? result<bool>(true) : s;
}

void block_store::set_unreadable_aside() {
  const std::lock_guard work(work_mutex_);
  std::vector<block_ptr> gone = blocks();
  std::erase_if(gone, [](const block_ptr& b) { return !b->unreadable(); });
  for (const auto& b : gone) {
    publish({b}, nullptr);
    set_aside(b->meta().id, {errc::corruption, "a file was cut or could not be read while mapped"});
  }
}

status block_store::repair(const block_ptr& block) {
  const std::lock_guard work(work_mutex_);
  const auto& id = block->meta().id;
  const auto held = find({id});
  if (held.empty() || held.front() != block)
    return {};
  if (const status tables = block->index().check_tables(); !tables.ok()) {
    publish({block}, nullptr);
    set_aside(id, {errc::corruption, std::string(tables.message())});
    return {};
  }
  // First, so that no crash loses it.
  TROUPE_TRY(keep_damaged(*block));
  TROUPE_TRY(replace({id}, block));
  const std::lock_guard lock(mutex_);
  ++counts_.repaired;
  return {};
}

void block_store::set_retention_policy(std::shared_ptr<const retention_policy> policy) {
  const std::lock_guard work(work_mutex_);
  policy_ = std::move(policy);
  unexpired_.clear();
}

timestamp_ms block_store::reference_time() const {
  timestamp_ms newest = min_time;
  for (const auto& b : blocks())
    newest = std::max(newest, b->meta().max_time);
  return std::min(clock_.now_ms(), newest);
}

bool block_store::has_expired_series(const block_reader& block, timestamp_ms reference) {
  int64_t age = 0;
  if (__builtin_sub_overflow(reference, block.meta().max_time, &age))
    return false;
  // A block does not change: what was found holds until another rule is over.
  const size_t due = policy_->due(age);
  if (const auto at = unexpired_.find(block.meta().id);
      due == 0 || (at != unexpired_.end() && at->second == due))
    return false;
  const auto found = policy_->has_expired(block, age);
  if (found.ok() && *found)
    return true;
  if (!found.ok())
    log.warn("retention rules pass over a block: {}", found.error().to_string());
  unexpired_[block.meta().id] = due;
  return false;
}

result<bool> block_store::drop_expired_series() {
  const std::lock_guard work(work_mutex_);
  const auto held = blocks();
  std::erase_if(unexpired_, [&](const auto& known) {
    return std::none_of(held.begin(), held.end(),
                        [&](const block_ptr& b) { return b->meta().id == known.first; });
  });
  if (!policy_->by_series())
    return false;
  const timestamp_ms reference = reference_time();
  for (const auto& b : held) {
    if (!has_expired_series(*b, reference))
      continue;
    TROUPE_TRY(replace({b->meta().id}));
    log.info("block {}: dropped the series whose retention is over", b->meta().id);
    const std::lock_guard lock(mutex_);
    ++counts_.expired_by_rule;
    return true;
  }
  return false;
}

result<uint64_t> block_store::apply_retention(const retention_options& opts, uint64_t other_bytes) {
  const std::lock_guard work(work_mutex_);
  std::vector<block_meta> metas;
  for (const auto& b : blocks())
    metas.push_back(b->meta());
  const auto plan = plan_retention(metas, opts, clock_.now_ms(), other_bytes);
  auto gone = find(plan.by_time);
  const auto by_size = find(plan.by_size);
  gone.insert(gone.end(), by_size.begin(), by_size.end());
  publish(gone, nullptr);
  for (const auto& b : gone) {
    log.info("block {} has expired", b->meta().id);
    leftovers_.push_back(b->meta().id);
  }
  remove_leftovers();
  const std::lock_guard lock(mutex_);
  counts_.expired_by_time += plan.by_time.size();
  counts_.expired_by_size += plan.by_size.size();
  return static_cast<uint64_t>(gone.size());
}

status block_store::delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                                  std::span<const matchers> selectors) {
  const std::lock_guard work(work_mutex_);
  for (const auto& b : blocks()) {
    if (b->meta().tenant != tenant || !b->meta().overlaps(mint, maxt))
      continue;
    for (const auto& selector : selectors) {
      TROUPE_ASSIGN([[maybe_unused]] const auto touched,
                    b->delete_series(fs_, mint, maxt, selector));
    }
  }
  return {};
}

status block_store::clean_tombstones() {
  const std::lock_guard work(work_mutex_);
  for (const auto& b : blocks())
    if (b->tombstoned_series() != 0)
      TROUPE_TRY(replace({b->meta().id}));
  return {};
}

status block_store::link_block(const block_reader& block, const std::string& target) {
  const auto path = join_path(target, block.meta().id);
  const auto tmp = path + std::string(block_layout::temporary_suffix);
  TROUPE_TRY(fs_.create_directories(tmp));
  for (const auto name : {block_layout::chunk_file, block_layout::index_file,
                          block_layout::tombstone_file, block_layout::meta_file})
    TROUPE_TRY(fs_.link_or_copy(join_path(block.dir(), name), join_path(tmp, name)));
  TROUPE_TRY(fs_.sync_directory(tmp));
  return fs_.rename(tmp, path);
}

status block_store::snapshot(const std::string& target) {
  const std::lock_guard work(work_mutex_);
  TROUPE_TRY(fs_.create_directories(target));
  for (const auto& b : blocks())
    TROUPE_TRY(link_block(*b, target));
  return fs_.sync_directory(target);
}

}  // namespace troupe::storage
