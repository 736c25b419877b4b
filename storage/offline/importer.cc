#include "storage/offline/importer.h"

#include "storage/base/hash.h"
#include "storage/chunk/series_merge.h"
#include "storage/compact/planner.h"
#include "storage/data_folder.h"
#include "storage/offline/block_list.h"
#include "storage/offline/transfer_state.h"

#include <fmt/format.h>

namespace troupe::storage {
namespace {

constexpr std::string_view state_file = "import.state";
// Wider ranges would only make retention coarse; compaction goes on from here.
constexpr int64_t widest_range = 9;  // times the smallest

uint64_t hash_of(const import_source& source, const import_settings& s) {
  std::string text = fmt::format("{}\n{}\n{} {} {}\n", source.identity, s.tenant, s.filter.mint,
                                 s.filter.maxt, s.min_block_ms);
  for (const auto& ms : s.filter.selectors) {
    for (const auto& m : ms)
      text += m.to_string() + ",";
    text += '\n';
  }
  return xxh3(text);
}

}  // namespace

result<std::unique_ptr<importer>> importer::open(file_system& fs, const clock& clk, uint64_t seed,
                                                 import_settings settings) {
  std::unique_ptr<importer> out(new importer(fs, std::move(settings)));
  if (out->settings_.dry_run)
    return out;
  options folder;
  folder.dir = out->settings_.dir;
  TROUPE_ASSIGN(out->lock_, open_data_folder(fs, folder));
  TROUPE_ASSIGN(out->blocks_, block_store::open(fs, clk, seed, join_path(folder.dir, "blocks"),
                                                join_path(folder.dir, "quarantine")));
  return out;
}

result<import_report> importer::run(const import_source& source,
                                    const std::function<void(uint64_t)>& on_progress) {
  source_ = &source;
  on_progress_ = &on_progress;
  report_ = {};
  plan_options widths;
  widths.min_block_ms = settings_.min_block_ms;
  widths.max_block_ms = settings_.min_block_ms * (source.in_memory ? 1 : widest_range);
  TROUPE_ASSIGN(const auto ranges, plan_import(wanted_extents(source), block_ranges(widths)));
  report_.oldest = ranges.empty() ? 0 : ranges.front().begin;
  TROUPE_TRY(blocks_ ? store(ranges) : count(ranges));
  return report_;
}

std::vector<time_interval> importer::wanted_extents(const import_source& source) const {
  std::vector<time_interval> out;
  for (time_interval e : source.extents) {
    e.min = std::max(e.min, settings_.filter.mint);
    e.max = std::min(e.max, settings_.filter.maxt);
    if (e.min <= e.max)
      out.push_back(e);
  }
  return out;
}

status importer::count(std::span<const import_range> ranges) {
  TROUPE_ASSIGN(const auto have, list_blocks(fs_, settings_.dir));
  sample_columns columns;
  for (const auto& range : ranges) {
    ++report_.ranges;
    TROUPE_ASSIGN(auto set, open_range(range, have.blocks));
    while (set->next()) {
      columns.clear();
      TROUPE_TRY(set->read(range.begin, range.end - 1, columns));
    }
    TROUPE_TRY(set->error());
  }
  return {};
}

status importer::store(std::span<const import_range> ranges) {
  auto state =
      transfer_state::load(fs_, join_path(settings_.dir, state_file), hash_of(*source_, settings_));
  for (const auto& range : ranges) {
    if (state.is_done(range)) {
      ++report_.ranges_resumed;
      continue;
    }
    ++report_.ranges;
    TROUPE_ASSIGN(auto set, open_range(range, blocks_->blocks()));
    TROUPE_ASSIGN(const auto made, blocks_->write(settings_.tenant, range.begin, range.end, *set));
    if (made.samples != 0) {
      ++report_.blocks;
      report_.block_bytes += made.chunk_bytes + made.index_bytes;
    }
    TROUPE_TRY(state.add(range));
  }
  return state.remove();
}

// The source's new samples of a range.
result<std::unique_ptr<series_set>> importer::open_range(const import_range& range,
                                                         std::span<const block_ptr> blocks) {
  std::vector<std::unique_ptr<series_set>> have;
  for (const auto& b : blocks) {
    if (b->meta().tenant != settings_.tenant || !b->meta().overlaps(range.begin, range.end - 1))
      continue;
    TROUPE_ASSIGN(auto set, b->select({}, range.begin, range.end - 1, nullptr));
    have.push_back(std::move(set));
  }
  TROUPE_ASSIGN(auto from, source_->open(range.begin, range.end - 1));
  return new_samples(std::move(from), have.empty() ? nullptr : merge_series(std::move(have)),
                     settings_.filter, report_.samples, *on_progress_);
}

}  // namespace troupe::storage
