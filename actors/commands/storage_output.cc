#include "actors/commands/storage_output.h"

#include "storage/base/civil_time.h"

#include <fmt/format.h>

namespace troupe::actors {

namespace {

using storage::analysis;

double per_sample(uint64_t bytes, uint64_t samples) {
  return samples == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(samples);
}

std::vector<figures> metric_figures(const std::vector<analysis::metric>& list) {
  std::vector<figures> out;
  for (const auto& m : list) {
    figures f;
    f.add("metric", m.name);
    f.add("series", m.series);
    f.add("samples", m.samples);
    f.add("bytes", m.bytes);
    f.add("bytes_per_sample", per_sample(m.bytes, m.samples));
    out.push_back(std::move(f));
  }
  return out;
}

std::vector<figures> item_figures(const std::vector<analysis::item>& list) {
  std::vector<figures> out;
  for (const auto& i : list) {
    figures f;
    f.add("name", i.name);
    f.add("value", i.value);
    out.push_back(std::move(f));
  }
  return out;
}

std::string metric_table(const char* title, const std::vector<analysis::metric>& list) {
  std::string out = fmt::format("\n{}:\n{:>12} {:>14} {:>14} {:>8}\n", title, "series", "samples",
                                "bytes", "B/sample");
  for (const auto& m : list)
    out += fmt::format("{:>12} {:>14} {:>14} {:>8.3f}  {}\n", m.series, m.samples, m.bytes,
                       per_sample(m.bytes, m.samples), m.name);
  return out;
}

std::string item_table(const char* title, const std::vector<analysis::item>& list) {
  std::string out = fmt::format("\n{}:\n", title);
  for (const auto& i : list)
    out += fmt::format("{:>12.6g}  {}\n", i.value, i.name);
  return out;
}

}  // namespace

figures as_figures(const analysis& a) {
  figures out;
  std::vector<figures> blocks;
  for (const auto& b : a.blocks) {
    figures f;
    f.add("block", b.meta.id);
    f.add("tenant", b.meta.tenant);
    f.add("from", format_rfc3339(b.meta.min_time));
    f.add("to", format_rfc3339(b.meta.max_time));
    f.add("level", uint64_t{b.meta.level});
    f.add("series", b.meta.series);
    f.add("chunks", b.meta.chunks);
    f.add("samples", b.meta.samples);
    f.add("histograms", b.meta.histograms);
    f.add("bytes", b.meta.chunk_bytes + b.meta.index_bytes);
    f.add("bytes_per_sample", per_sample(b.meta.chunk_bytes + b.meta.index_bytes, b.meta.samples));
    f.add("new_series", b.new_series);
    f.add("gone_series", b.gone_series);
    blocks.push_back(std::move(f));
  }
  std::vector<figures> refused;
  for (const auto& p : a.refused) {
    figures f;
    f.add("file", p.file);
    f.add("reason", p.reason);
    refused.push_back(std::move(f));
  }
  out.add("blocks", std::move(blocks));
  out.add("blocks_refused", std::move(refused));
  out.add("series", a.series);
  out.add("series_unreadable", a.unreadable_series);
  out.add("samples", a.samples);
  out.add("chunk_bytes", a.chunk_bytes);
  out.add("index_bytes", a.index_bytes);
  out.add("bytes_per_sample", per_sample(a.chunk_bytes + a.index_bytes, a.samples));
  out.add("label_names", a.label_names);
  out.add("label_pairs", a.label_pairs);
  out.add("postings", a.postings);
  out.add("metrics_by_series", metric_figures(a.by_series));
  out.add("metrics_by_bytes", metric_figures(a.by_bytes));
  out.add("label_names_by_values", item_figures(a.label_values));
  out.add("label_names_by_value_bytes", item_figures(a.label_value_bytes));
  out.add("label_pairs_by_series", item_figures(a.pair_series));
  out.add("label_names_by_churn", item_figures(a.churn_names));
  out.add("label_pairs_by_churn", item_figures(a.churn_pairs));
  return out;
}

std::string as_text(const analysis& a) {
  std::string out = fmt::format(
      "{} blocks, {} series, {} samples, {} label names, {} label pairs, {} postings\n"
      "{} bytes of chunks, {} of index: {:.3f} B/sample\n",
      a.blocks.size(), a.series, a.samples, a.label_names, a.label_pairs, a.postings, a.chunk_bytes,
      a.index_bytes, per_sample(a.chunk_bytes + a.index_bytes, a.samples));
  if (a.unreadable_series > 0)
    out += fmt::format("{} series could not be read: see troupe storage verify\n",
                       a.unreadable_series);
  for (const auto& p : a.refused)
    out += fmt::format("{}: {}\n", p.file, p.reason);
  out += fmt::format("\nBlocks:\n{:26} {:24} {:24} {:>9} {:>9} {:>12} {:>8} {:>9} {:>9}\n", "id",
                     "from", "to", "series", "chunks", "samples", "B/sample", "new", "gone");
  for (const auto& b : a.blocks)
    out += fmt::format("{:26} {:24} {:24} {:>9} {:>9} {:>12} {:>8.3f} {:>9} {:>9}\n", b.meta.id,
                       format_rfc3339(b.meta.min_time), format_rfc3339(b.meta.max_time),
                       b.meta.series, b.meta.chunks, b.meta.samples,
                       per_sample(b.meta.chunk_bytes + b.meta.index_bytes, b.meta.samples),
                       b.new_series, b.gone_series);
  out += metric_table("Metrics by series", a.by_series);
  out += metric_table("Metrics by bytes of chunks", a.by_bytes);
  out += item_table("Label names by number of values", a.label_values);
  out += item_table("Label names by length of their values", a.label_value_bytes);
  out += item_table("Label pairs by series", a.pair_series);
  out += item_table("Label names by churn (series times the part of a block without samples)",
                    a.churn_names);
  out += item_table("Label pairs by churn", a.churn_pairs);
  return out;
}

figures as_figures(const storage::check_report& r) {
  figures out;
  out.add("blocks", r.blocks);
  out.add("block_bytes", r.block_bytes);
  out.add("log_files", r.log_files);
  out.add("log_frames", r.log_frames);
  out.add("log_bytes", r.log_bytes);
  out.add("log_torn_tails", r.torn_tails);
  out.add("head_files", r.head_files);
  out.add("head_bytes", r.head_bytes);
  out.add("quarantined", r.quarantined);
  out.add("damages", r.damages);
  std::vector<figures> places;
  for (const auto& p : r.places) {
    figures f;
    f.add("file", p.file);
    f.add("offset", p.offset);
    f.add("bytes", p.bytes);
    f.add("reason", p.reason);
    places.push_back(std::move(f));
  }
  out.add("places", std::move(places));
  return out;
}

std::string as_text(const storage::check_report& r) {
  std::string out;
  for (const auto& p : r.places)
    out += fmt::format("{}: offset {}, {} bytes: {}\n", p.file, p.offset, p.bytes, p.reason);
  if (r.damages > r.places.size())
    out += fmt::format("and {} more\n", r.damages - r.places.size());
  out += fmt::format(
      "{} blocks ({} bytes), {} files of the log ({} frames, {} bytes), {} of the "
      "head ({} bytes): {}\n",
      r.blocks, r.block_bytes, r.log_files, r.log_frames, r.log_bytes, r.head_files, r.head_bytes,
      r.damages == 0 ? "no damage" : fmt::format("{} damages", r.damages));
  if (r.torn_tails > 0)
    out += fmt::format("{} logs end inside a frame that was never acknowledged: no damage\n",
                       r.torn_tails);
  if (r.quarantined > 0)
    out += fmt::format("{} items were set aside earlier, in quarantine/\n", r.quarantined);
  return out;
}

}  // namespace troupe::actors
