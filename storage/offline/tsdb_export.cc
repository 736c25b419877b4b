#include "storage/offline/tsdb_export.h"

#include "storage/base/hash.h"
#include "storage/block/block_meta.h"
#include "storage/compact/planner.h"
#include "storage/offline/transfer_state.h"
#include "storage/tsdb/block_writer.h"
#include "storage/tsdb/layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::storage {
namespace {

constexpr std::string_view state_file = "troupe-export.state";
constexpr int64_t smallest_ms = 2LL * 3600 * 1000;
constexpr int64_t widest_range = 9;  // times the smallest

uint64_t hash_of(std::span<const import_range> ranges, const std::string& tenant,
                 const sample_filter& filter) {
  std::string text = fmt::format("{}\n{} {}\n", tenant, filter.mint, filter.maxt);
  for (const auto& ms : filter.selectors)
    for (const auto& m : ms)
      text += m.to_string() + ",";
  for (const auto& r : ranges)
    text += fmt::format("{} {}\n", r.begin, r.end);
  return xxh3(text);
}

// Fails if there is anything in the folder but what transfers leave.
status check_target(file_system& fs, const std::string& out, bool resumed) {
  auto entries = fs.list(out);
  if (entries.code() == errc::not_found)
    return fs.create_directories(out);
  if (!entries.ok())
    return entries.error();
  const auto ours = [&](const dir_entry& e) {
    return e.name == state_file || e.name == std::string(state_file) + ".tmp" ||
           (resumed && e.is_directory) || e.name.ends_with(".tmp-for-creation");
  };
  if (std::all_of(entries->begin(), entries->end(), ours))
    return {};
  return {errc::already_exists, out + ": is not empty; choose an empty folder"};
}

// The ranges of the blocks in `out`: one may be whole that the state does not know yet.
result<std::vector<import_range>> written_ranges(file_system& fs, const std::string& out) {
  std::vector<import_range> found;
  TROUPE_ASSIGN(const auto entries, fs.list(out));
  for (const auto& e : entries) {
    if (!is_block_id(e.name))
      continue;
    const std::string path = join_path(join_path(out, e.name), tsdb::layout::meta_file);
    TROUPE_ASSIGN(const std::string text, read_file(fs, path));
    auto meta = tsdb::decode_meta(text);
    if (!meta.ok())
      return meta.error().with_context(path);
    found.push_back({meta->min_time, meta->max_time});
  }
  return found;
}

}  // namespace

result<export_report> export_tsdb(file_system& fs, const clock& clk, random_source& random,
                                  const offline_store& from, const std::string& tenant,
                                  const sample_filter& filter, const std::string& out,
                                  const std::function<void(uint64_t)>& on_progress) {
  plan_options widths;
  widths.min_block_ms = smallest_ms;
  widths.max_block_ms = smallest_ms * widest_range;
  std::vector<time_interval> extents;
  for (time_interval e : from.extents()) {
    e.min = std::max(e.min, filter.mint);
    e.max = std::min(e.max, filter.maxt);
    if (e.min <= e.max)
      extents.push_back(e);
  }
  TROUPE_ASSIGN(const auto ranges, plan_import(extents, block_ranges(widths)));
  auto state =
      transfer_state::load(fs, join_path(out, state_file), hash_of(ranges, tenant, filter));
  TROUPE_TRY(check_target(fs, out, state.resumed()));
  TROUPE_TRY(state.begin());
  TROUPE_ASSIGN(const auto written, written_ranges(fs, out));
  export_report report;
  for (const auto& range : ranges) {
    if (state.is_done(range) || std::find(written.begin(), written.end(), range) != written.end()) {
      ++report.ranges_resumed;
      continue;
    }
    const uint64_t before = report.samples;
    const auto open = [&] {
      return from.select(tenant, filter, range.begin, range.end - 1, report.warnings);
    };
    TROUPE_ASSIGN(const auto made,
                  tsdb::write_block(fs, out, {make_block_id(clk, random), range.begin, range.end},
                                    open, [&](uint64_t n) {
                                      if (on_progress)
                                        on_progress(before + n);
                                    }));
    report.blocks += made.samples != 0 ? 1 : 0;
    report.series += made.series;
    report.samples += made.samples;
    report.histograms += made.histograms;
    TROUPE_TRY(state.add(range));
  }
  TROUPE_TRY(state.remove());
  return report;
}

}  // namespace troupe::storage
