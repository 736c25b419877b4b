#include "storage/compact/damaged_pieces.h"

#include "storage/block/block_layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::storage {
namespace {

// The damaged chunks by offset, and how many series have one; nothing if a series cannot be read.
std::optional<std::vector<chunk_ref>> find_chunks(const block_reader& block, uint64_t& series) {
  const auto offsets = block.damaged_chunks();
  std::vector<chunk_ref> out, chunks;
  labels name;
  series_cursor cursor;
  for (series_ref ref = 0; ref < block.index().series_count(); ++ref) {
    if (!block.read_series(ref, name, chunks, nullptr, &cursor).ok())
      return std::nullopt;
    const size_t before = out.size();
    for (const auto& c : chunks)
      if (std::binary_search(offsets.begin(), offsets.end(), c.offset))
        out.push_back(c);
    series += out.size() > before;
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return out;
}

}  // namespace

std::optional<damaged_pieces> damaged_pieces::of(const block_reader& block) {
  if (block.unreadable() || block.damage().series.load() != 0)
    return std::nullopt;
  damaged_pieces out;
  const auto chunks = find_chunks(block, out.meta_.series);
  if (!chunks || chunks->empty())
    return std::nullopt;
  out.meta_.id = block.meta().id;
  out.meta_.tenant = block.meta().tenant;
  out.meta_.level = block.meta().level;
  out.meta_.sources = block.meta().sources;
  out.meta_.min_time = chunks->front().min_ts;
  out.meta_.max_time = chunks->front().max_ts;
  for (const auto& c : *chunks)
    out.add(c);
  ++out.meta_.max_time;  // half open
  if (out.pieces_.size() > max_pieces)
    return std::nullopt;
  return out;
}

void damaged_pieces::add(const chunk_ref& chunk) {
  meta_.min_time = std::min(meta_.min_time, chunk.min_ts);
  meta_.max_time = std::max(meta_.max_time, chunk.max_ts);
  ++meta_.chunks;
  meta_.samples += chunk.samples;
  const uint64_t end = pieces_.empty() ? 0 : pieces_.back().offset + pieces_.back().bytes;
  if (chunk.offset < end)
    return;  // of several series
  meta_.chunk_bytes += chunk.length;
  if (pieces_.empty() || end != chunk.offset)
    pieces_.push_back({chunk.offset, 0});
  pieces_.back().bytes += chunk.length;
}

status damaged_pieces::write(file_system& fs, const block_reader& block,
                             const std::string& path) const {
  const auto tmp = path + std::string(block_layout::temporary_suffix);
  TROUPE_TRY(fs.remove_all(tmp));
  TROUPE_TRY(fs.create_directories(tmp));
  const auto whole = join_path(block.dir(), block_layout::chunk_file);
  TROUPE_ASSIGN(const auto file, fs.open_read(whole));
  std::string bytes;
  for (const piece& p : pieces_) {
    TROUPE_TRY(file->read(p.offset, static_cast<size_t>(p.bytes), bytes));
    const auto name = fmt::format("{}.{}", block_layout::chunk_file, p.offset);
    TROUPE_TRY(write_file_atomically(fs, join_path(tmp, name), bytes));
  }
  TROUPE_TRY(
      write_file_atomically(fs, join_path(tmp, block_layout::meta_file), encode_meta(meta_)));
  return fs.rename(tmp, path);
}

std::string damaged_pieces::reason() const {
  return fmt::format("{} damaged chunks with {} samples of {} series were taken out", meta_.chunks,
                     meta_.samples, meta_.series);
}

}  // namespace troupe::storage
