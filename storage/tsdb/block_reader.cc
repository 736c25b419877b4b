#include "storage/tsdb/block_reader.h"

#include "storage/base/hash.h"
#include "storage/chunk/columns.h"
#include "storage/tsdb/chunk_codec.h"
#include "storage/tsdb/layout.h"

#include <algorithm>
#include <charconv>

namespace troupe::storage::tsdb {
namespace {

constexpr uint64_t small_file_limit = 256u << 20;

void keep_window(sample_columns& c, timestamp_ms mint, timestamp_ms maxt) {
  time_intervals outside;
  if (mint > min_time)
    outside.push_back({min_time, mint - 1});
  if (maxt < max_time)
    outside.push_back({maxt + 1, max_time});
  remove_intervals(outside, c);
}

bool is_segment(std::string_view name) {
  return name.size() == 6 && name.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

class block_series final : public series_set {
 public:
  block_series(std::shared_ptr<const block_reader> block, timestamp_ms mint, timestamp_ms maxt)
      : block_(std::move(block)), mint_(mint), maxt_(maxt) {}

  bool next() override {
    const auto& all = block_->index_->series();
    while (at_ < all.size() && error_.ok()) {
      number_ = all[at_++];
      error_ = block_->read_series(number_, nullptr, chunks_);
      const bool wanted = std::any_of(chunks_.begin(), chunks_.end(), [&](const chunk_meta& c) {
        return c.min_ts <= maxt_ && mint_ <= c.max_ts;
      });
      if (!error_.ok() || !wanted)
        continue;
      labels before = std::move(labels_);
      error_ = block_->read_series(number_, &labels_, chunks_);
      if (error_.ok() && any_ && !(before < labels_))
        error_ = layout::corrupt(block_->index_map_.path, block_->index_->offset_of(number_),
                                 "a series is not behind the one before");
      any_ = true;
      return error_.ok();
    }
    return false;
  }
  const labels& series() const override { return labels_; }
  status error() const override { return error_; }

  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    // Chunks may overlap and lie in any order.
    std::vector<sample_columns> parts;
    bool ordered = out.ts.empty() && out.histograms.empty();
    timestamp_ms last = min_time;
    for (const chunk_meta& c : chunks_) {
      if (c.max_ts < mint || c.min_ts > maxt)
        continue;
      if (parts.empty() || c.min_ts <= last)
        parts.emplace_back();
      ordered = ordered && (parts.size() == 1);
      last = c.max_ts;
      TROUPE_TRY(block_->read_chunk(c, parts.back()));
    }
    if (parts.empty())
      return {};
    for (auto& p : parts) {
      keep_window(p, mint, maxt);
      if (const auto at = block_->tombstones_.find(number_); at != block_->tombstones_.end())
        remove_intervals(at->second, p);
    }
    if (ordered) {
      out = std::move(parts.front());
      return {};
    }
    parts.push_back(std::move(out));
    merge_columns(parts, out);
    return {};
  }

 private:
  const std::shared_ptr<const block_reader> block_;
  const timestamp_ms mint_, maxt_;
  size_t at_ = 0;
  uint32_t number_ = 0;
  bool any_ = false;
  labels labels_;
  std::vector<chunk_meta> chunks_;
  status error_;
};

result<std::shared_ptr<const block_reader>> block_reader::open(file_system& fs,
                                                               const std::string& dir) {
  std::shared_ptr<block_reader> block(new block_reader());
  block->dir_ = dir;
  TROUPE_TRY(block->load(fs));
  return std::shared_ptr<const block_reader>(std::move(block));
}

status block_reader::load(file_system& fs) {
  const std::string meta_path = join_path(dir_, layout::meta_file);
  TROUPE_ASSIGN(const std::string text, read_file(fs, meta_path, small_file_limit));
  auto about = decode_meta(text);
  if (!about.ok())
    return about.error().with_context(meta_path);
  meta_ = std::move(*about);
  const std::string stones = join_path(dir_, layout::tombstone_file);
  auto bytes = read_file(fs, stones, small_file_limit);
  if (bytes.ok()) {
    TROUPE_ASSIGN(tombstones_, decode_tombstones(*bytes, stones));
  } else if (bytes.code() != errc::not_found) {
    return bytes.error();
  }
  index_map_.path = join_path(dir_, layout::index_file);
  TROUPE_ASSIGN(index_map_.map, fs.map(index_map_.path));
  auto index = index_reader::open(index_map_.map->data(), index_map_.path);
  if (index_map_.map->failed())
    return {errc::io_error, index_map_.path + ": cannot be read"};
  TROUPE_ASSIGN(index_, std::move(index));
  TROUPE_TRY(map_chunks(fs));
  return find_extent();
}

// A chunk names its file by the place among all files.
status block_reader::map_chunks(file_system& fs) {
  const std::string folder = join_path(dir_, layout::chunk_folder);
  TROUPE_ASSIGN(const auto entries, fs.list(folder));
  for (const auto& e : entries) {
    if (!is_segment(e.name))
      continue;
    file f{join_path(folder, e.name), nullptr};
    uint64_t number = 0;
    std::from_chars(e.name.data(), e.name.data() + e.name.size(), number);
    if (number != chunk_files_.size() + 1)
      return {errc::corruption,
              fmt::format("{}: {:06} is missing before it", f.path, chunk_files_.size() + 1)};
    TROUPE_ASSIGN(f.map, fs.map(f.path));
    byte_reader in(f.map->data());
    if (layout::be32(in) != layout::chunk_magic)
      return layout::corrupt(f.path, 0, "not a file of chunks");
    if (const uint8_t version = in.u8(); version != layout::chunk_version)
      return {errc::unsupported, fmt::format("{}: offset 4: unknown version {}", f.path, version)};
    chunk_files_.push_back(std::move(f));
  }
  return {};
}

status block_reader::find_extent() {
  std::vector<chunk_meta> chunks;
  for (const uint32_t number : index_->series()) {
    TROUPE_TRY(read_series(number, nullptr, chunks));
    for (const auto& c : chunks) {
      if (!extent_)
        extent_ = extent{c.min_ts, c.max_ts};
      extent_->min_ts = std::min(extent_->min_ts, c.min_ts);
      extent_->max_ts = std::max(extent_->max_ts, c.max_ts);
    }
  }
  return {};
}

status block_reader::read_series(uint32_t number, labels* out,
                                 std::vector<chunk_meta>& chunks) const {
  status s = index_->read(number, out, chunks);
  return index_map_.map->failed() ? status(errc::io_error, index_map_.path + ": cannot be read")
                                  : s;
}

status block_reader::read_chunk(const chunk_meta& chunk, sample_columns& out) const {
  const uint64_t number = chunk.place >> 32, offset = chunk.place & UINT32_MAX;
  if (number >= chunk_files_.size())
    return {errc::corruption, fmt::format("{}: chunk file {:06} is missing", dir_, number + 1)};
  const file& f = chunk_files_[number];
  if (offset > f.map->data().size())
    return layout::corrupt(f.path, offset, "a chunk lies outside of the file");
  byte_reader in(f.map->data().substr(offset));
  const uint64_t length = in.varint();
  const char* covered = in.position();
  const uint8_t how = in.u8();
  const auto data = in.take(length);
  const auto bytes = static_cast<size_t>(in.position() - covered);
  const uint32_t crc = layout::be32(in);
  if (in.failed())
    return layout::corrupt(f.path, offset, "a chunk is cut");
  if (crc != crc32c({covered, bytes}))
    return layout::corrupt(f.path, offset, "bad checksum of a chunk");
  const size_t floats = out.ts.size(), histograms = out.histograms.size();
  status s = decode_chunk(how, data, out);
  if (f.map->failed())
    return {errc::io_error, f.path + ": cannot be read"};
  if (!s.ok())
    return status(s.code(), fmt::format("{}: offset {}: {}", f.path, offset, s.message()));
  // The index leads to chunks by their time: one that holds other times was never found rightly.
  const bool in_time =
      (out.ts.size() == floats ||
       (out.ts[floats] >= chunk.min_ts && out.ts.back() <= chunk.max_ts)) &&
      (out.histograms.size() == histograms ||
       (out.histograms[histograms].ts >= chunk.min_ts && out.histograms.back().ts <= chunk.max_ts));
  return in_time ? status()
                 : layout::corrupt(f.path, offset, "a chunk has other times than the index says");
}

std::unique_ptr<series_set> block_reader::select(timestamp_ms mint, timestamp_ms maxt) const {
  return std::make_unique<block_series>(shared_from_this(), mint, maxt);
}

}  // namespace troupe::storage::tsdb
