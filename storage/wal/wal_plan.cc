// Which files of the log a reader needs, and which are superseded.
#include "storage/base/log.h"
#include "storage/wal/wal_directory.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace troupe::storage {
namespace {

const logger log_wal("wal");

using slots = std::bitset<slot_count>;

slots slots_of(const wal_file_name& name) {
  slots out;
  for (uint32_t s = name.shard; s < slot_count; s += name.shards)
    out.set(s);
  return out;
}

/// Slots that checkpoints of later runs have taken over from `name`.
slots taken_over(const wal_file_name& name, const std::vector<wal_file_name>& files) {
  slots out;
  for (const auto& f : files)
    if (f.kind == wal_file_kind::checkpoint && f.epoch > name.epoch)
      out |= slots_of(f);
  return out;
}

/// The files of one run with the names they should have.
struct run_files {
  uint32_t checkpoint = 0;
  std::vector<wal_directory::planned_file> files;
};

bool kept_in_run(const wal_file_name& name, uint32_t checkpoint, uint32_t series_from) {
  switch (name.kind) {
    case wal_file_kind::table:
    case wal_file_kind::checkpoint:
      return checkpoint != 0 && name.number == checkpoint;
    case wal_file_kind::series:
      return name.number >= series_from;
    case wal_file_kind::segment:
      return name.number >= checkpoint;
  }
  return false;
}

/// Table and checkpoint, then series logs and segments by number.
auto reading_order(const wal_file_name& n) {
  bool first = n.kind == wal_file_kind::table || n.kind == wal_file_kind::checkpoint;
  return std::tuple(n.epoch, n.shard, n.shards, !first, n.number, n.kind);
}

/// Where the series logs begin that segments from `checkpoint` on need.
uint32_t first_series(const std::vector<wal_directory::planned_file>& files, uint32_t checkpoint) {
  uint32_t from = 0;
  for (const auto& f : files)
    if (f.name.kind == wal_file_kind::series && f.name.number <= std::max(checkpoint, 1u))
      from = std::max(from, f.name.number);
  return from;
}

void finish_run(run_files& run, wal_directory::plan& out) {
  uint32_t series_from = first_series(run.files, run.checkpoint);
  std::erase_if(run.files,
                [&](const auto& f) { return !kept_in_run(f.name, run.checkpoint, series_from); });
  std::sort(run.files.begin(), run.files.end(), [](const auto& a, const auto& b) {
    return reading_order(a.name) < reading_order(b.name);
  });
  uint32_t next = run.checkpoint;
  for (size_t i = 0; i < run.files.size(); ++i) {
    auto& f = run.files[i];
    f.last = std::none_of(run.files.begin() + static_cast<ptrdiff_t>(i) + 1, run.files.end(),
                          [&](const auto& o) { return o.name.kind == f.name.kind; });
    if (f.name.kind != wal_file_kind::segment)
      continue;
    for (; next != 0 && next < f.name.number; ++next) {
      wal_file_name missing = f.name;
      missing.number = next;
      out.missing.push_back(missing);
    }
    next = f.name.number + 1;
  }
  std::move(run.files.begin(), run.files.end(), std::back_inserter(out.files));
  run = {};
}

}  // namespace

result<wal_directory::plan> wal_directory::plan_reading(const std::bitset<slot_count>& wanted,
                                                        uint64_t end_epoch, bool raw) const {
  TROUPE_ASSIGN(listing found, list());
  plan out;
  out.foreign = std::move(found.foreign);
  std::set<wal_file_name> names(found.files.begin(), found.files.end());
  std::vector<planned_file> all;
  for (const auto& called : found.files) {
    if (called.epoch >= end_epoch)
      continue;
    planned_file f;
    f.name = called;
    f.path = path_of(called);
    if (auto header = read_header(f.path); header.ok()) {
      wal_file_name told = header->name(called.kind);
      if (told != called && !names.insert(told).second) {
        out.duplicates.push_back(called.to_string());
        continue;
      }
      f.name = told;
    }
    all.push_back(std::move(f));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  run_files run;
  for (size_t i = 0; i < all.size(); ++i) {
    planned_file& f = all[i];
    if (i > 0 && !f.name.same_run(all[i - 1].name))
      finish_run(run, out);
    if (f.name.kind == wal_file_kind::checkpoint && !raw)
      run.checkpoint = std::max(run.checkpoint, f.name.number);
    run.files.push_back(f);
  }
  finish_run(run, out);
  std::erase_if(out.files, [&](planned_file& f) {
    if (!raw)
      f.skip = taken_over(f.name, found.files);
    return (slots_of(f.name) & wanted & ~f.skip).none();
  });
  for (auto& f : out.files) {
    bool renamed = f.path != path_of(f.name);
    f.length = f.name.kind == wal_file_kind::segment && !renamed
                   ? valid_length(f.name)
                   : settings_.fs->file_size(f.path).value_or(0);
  }
  return out;
}

std::vector<wal_file_name> wal_directory::superseded(
    const std::vector<wal_file_name>& files) const {
  std::vector<wal_file_name> out;
  for (const auto& f : files) {
    if (f.kind == wal_file_kind::series)
      continue;
    slots left = slots_of(f) & ~taken_over(f, files);
    bool by_own_run = std::any_of(files.begin(), files.end(), [&](const auto& c) {
      return c.kind == wal_file_kind::checkpoint && c.same_run(f) && c.number > f.number;
    });
    if (by_own_run || left.none())
      out.push_back(f);
  }
  return out;
}

void wal_directory::apply_holds(std::vector<wal_file_name>& doomed) {
  bool changed = false;
  std::set<wal_file_name> kept;
  for (auto& [name, hold] : holds_) {
    auto held = [&, h = &hold](const wal_file_name& f) {
      if (f.kind != wal_file_kind::segment)
        return false;
      if (f.epoch != h->position.epoch)
        return f.epoch > h->position.epoch;
      // Readers take the shards of an earlier run one after the other.
      if (f.shard != h->shard)
        return f.epoch != epoch_ && f.shard > h->shard;
      return f.number >= h->position.segment;
    };
    uint64_t bytes = 0;
    for (auto it = doomed.rbegin(); it != doomed.rend(); ++it) {
      if (!held(*it))
        continue;
      bytes += settings_.fs->file_size(path_of(*it)).value_or(0);
      if (bytes > hold.limit_bytes) {
        hold.broken = true;
        changed = true;
        log_wal.warn("hold {} exceeds its limit of {} bytes: its oldest files go", name,
                     hold.limit_bytes);
        break;
      }
      kept.insert(*it);
    }
  }
  std::erase_if(doomed, [&](const wal_file_name& f) { return kept.contains(f); });
  if (changed)
    if (status s = store_holds(); !s.ok())
      log_wal.warn("cannot store the holds: {}", s.to_string());
}

void wal_directory::drop_unused_series(const std::vector<wal_file_name>& files,
                                       std::vector<wal_file_name>& doomed) const {
  std::set<wal_file_name> gone(doomed.begin(), doomed.end());
  for (const auto& s : files) {
    if (s.kind != wal_file_kind::series)
      continue;
    uint32_t end = 0;  // the next series log of this run; 0: it is the last
    bool used = false;
    for (const auto& f : files)
      if (f.same_run(s) && f.kind == wal_file_kind::series && f.number > s.number)
        end = end == 0 ? f.number : std::min(end, f.number);
    for (const auto& f : files)
      used = used || (f.same_run(s) && f.kind == wal_file_kind::segment && !gone.contains(f) &&
                      f.number >= s.number && (end == 0 || f.number < end));
    bool live = s.epoch == epoch_ && end == 0;
    if (!used && !live)
      doomed.push_back(s);
  }
}

result<uint64_t> wal_directory::collect() {
  std::lock_guard lock(mutex_);
  TROUPE_ASSIGN(listing found, list());
  auto doomed = superseded(found.files);
  apply_holds(doomed);
  drop_unused_series(found.files, doomed);
  std::sort(doomed.begin(), doomed.end());
  uint64_t freed = 0;
  for (const auto& f : doomed) {
    std::string path = path_of(f);
    uint64_t size = settings_.fs->file_size(path).value_or(0);
    TROUPE_TRY(settings_.fs->remove_file(path));
    freed += size;
  }
  if (!doomed.empty())
    TROUPE_TRY(settings_.fs->sync_directory(path_));
  return freed;
}

}  // namespace troupe::storage
