#include "storage/damage_monitor.h"

#include <algorithm>

namespace troupe::storage {
namespace {

struct kind {
  std::string_view name;
  std::string_view help;
};

constexpr kind wal_kinds[] = {
    {"wal_torn_tails", "Incomplete frames at the end of a log, never acknowledged."},
    {"wal_bad_frames", "Places of the log where no frame holds."},
    {"wal_bad_bodies", "Frames of the log that do not parse."},
    {"wal_frames_behind_gap", "Frames lost because no key frame follows the damage before them."},
    {"wal_unknown_series", "Parts of frames whose series are lost."},
    {"wal_missing_segments", "Segments absent from the log."},
    {"wal_foreign_files", "Files in the log's folder that are not its own."},
    {"wal_read_errors", "Files of the log that the disk did not give back as a whole."},
    {"wal_duplicates", "Frames or files of the log seen twice; nothing is lost."},
    {"wal_samples_lost", "Samples that the log is known to have lost."},
    {"wal_frames_missing", "Frames that never showed up, by their sequence numbers."},
    {"wal_frames_recovered", "Frames behind damage, decoded from a later key frame."},
};
static_assert(std::size(wal_kinds) == wal_loss_count + 3);

constexpr kind block_kinds[] = {
    {"block_load_failures", "Blocks that did not open."},
    {"block_chunks", "Damaged chunks met by reads."},
    {"block_samples", "Samples in damaged chunks met by reads."},
    {"block_series", "Damaged series records met by reads."},
    {"block_read_errors", "Blocks whose files were cut or not readable while open."},
    {"block_places", "Damaged places found by the background check of blocks."},
};

}  // namespace

damage_monitor::damage_monitor(registry& metrics, file_system& fs, std::string dir,
                               const block_store& blocks, const scrubber& scrub,
                               std::span<const std::unique_ptr<shard>> shards)
    : fs_(fs), dir_(std::move(dir)), blocks_(blocks), scrub_(scrub), shards_(shards) {
  const auto add = [&](const kind& k) {
    const auto name = "troupe_storage_damage_" + std::string(k.name) + "_total";
    counters_.push_back(&metrics.get_counter(name, k.help));
  };
  std::for_each(std::begin(wal_kinds), std::end(wal_kinds), add);
  std::for_each(std::begin(block_kinds), std::end(block_kinds), add);
  published_.resize(counters_.size());
}

std::vector<uint64_t> damage_monitor::counts(std::span<const wal_report> replays) const {
  std::vector<uint64_t> out(std::size(wal_kinds));
  for (const auto& r : replays) {
    for (size_t i = 0; i < wal_loss_count; ++i)
      out[i] += r.counts[i];
    out[wal_loss_count] += r.samples_lost;
    out[wal_loss_count + 1] += r.frames_missing;
    out[wal_loss_count + 2] += r.frames_recovered;
  }
  const read_damage& met = blocks_.damage();
  for (const uint64_t n : {blocks_.counts().load_failures, met.chunks.load(), met.samples.load(),
                           met.series.load(), met.blocks.load(), scrub_.progress().damages})
    out.push_back(n);
  return out;
}

void damage_monitor::publish() {
  const std::lock_guard guard(mutex_);
  // A replay's report is copied once: it is empty before the end and the same afterwards.
  const bool fresh = !replay_published_ && std::all_of(shards_.begin(), shards_.end(),
                                                       [](const auto& s) { return s->replayed(); });
  std::vector<wal_report> replays;
  if (fresh)
    for (const auto& s : shards_)
      replays.push_back(s->replay_report());
  const auto now = counts(replays);
  for (size_t i = 0; i < now.size(); ++i)
    if (now[i] > published_[i]) {
      counters_[i]->add(static_cast<double>(now[i] - published_[i]));
      published_[i] = now[i];
    }
  replay_published_ |= fresh;
}

damage_report damage_monitor::report() const {
  damage_report out;
  const auto quarantine = join_path(dir_, "quarantine");
  out.quarantined = list_quarantine(fs_, quarantine);
  // Blocks that could not be read now, or are of a later version, stay where they are.
  for (const auto& b : blocks_.infos())
    if (b.quarantined && !fs_.exists(join_path(quarantine, b.id)))
      out.quarantined.push_back({join_path(join_path(dir_, "blocks"), b.id), b.reason, b.bytes, 0});
  std::vector<wal_report> replays;
  for (const auto& s : shards_)
    replays.push_back(s->replay_report());
  for (const auto& r : replays)
    for (const auto& d : r.damages)
      out.places.push_back({d.file, std::string(to_string(d.reason)), d.offset, d.bytes});
  for (auto& place : scrub_.places())
    out.places.push_back(std::move(place));
  const auto now = counts(replays);
  for (size_t i = 0; i < now.size(); ++i) {
    const size_t in_blocks = i - std::min(i, std::size(wal_kinds));
    out.counts.emplace_back(
        i < std::size(wal_kinds) ? wal_kinds[i].name : block_kinds[in_blocks].name, now[i]);
  }
  return out;
}

}  // namespace troupe::storage
