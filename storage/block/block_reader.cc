#include "storage/block/block_reader.h"

#include "storage/base/coding.h"
#include "storage/block/block_layout.h"
#include "storage/block/series_stats.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/columns.h"

#include <algorithm>
#include <array>
#include <optional>

namespace troupe::storage {
namespace {

constexpr uint64_t small_file_limit = 256u << 20;

// A file of a block that is not there is damage to the block, not a state of the caller.
status as_damage(const status& s) {
  return s.code() == errc::not_found ? status(errc::corruption, std::string(s.message())) : s;
}

// True if everything a chunk could give to [mint, maxt] is deleted.
bool all_deleted(const time_intervals& deleted, const chunk_ref& chunk, timestamp_ms mint,
                 timestamp_ms maxt) {
  const timestamp_ms from = std::max(chunk.min_ts, mint), to = std::min(chunk.max_ts, maxt);
  return std::any_of(deleted.begin(), deleted.end(),
                     [&](const auto& i) { return i.min <= from && to <= i.max; });
}

class block_series_set final : public series_set {
 public:
  block_series_set(std::shared_ptr<const block_reader> block, posting_list refs, timestamp_ms mint,
                   timestamp_ms maxt, std::shared_ptr<read_damage> met)
      : block_(std::move(block)),
        tombstones_(block_->tombstones()),
        refs_(std::move(refs)),
        mint_(mint),
        maxt_(maxt),
        met_(std::move(met)) {}

  bool next() override {
    while (at_ < refs_.size())
      if (load(refs_[at_++]))
        return true;
    return false;
  }
  const labels& series() const override { return labels_; }

  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    const size_t floats = out.ts.size(), histograms = out.histograms.size();
    for (const chunk_ref& chunk : chunks_) {
      if (chunk.max_ts < mint || chunk.min_ts > maxt)
        continue;
      if (!block_->read_chunk(chunk, mint, maxt, out, cache_).ok())
        note(chunk);
    }
    remove_intervals(deleted_, out, floats, histograms);
    return {};
  }

  status read_summarized(timestamp_ms mint, timestamp_ms maxt, sample_columns& out,
                         std::vector<sample_summary>& runs) override {
    if (const auto run = summary(mint, maxt))
      runs.push_back(*run);
    else
      return read(mint, maxt, out);
    return {};
  }

 private:
  // Of the whole series, if [mint, maxt] holds all of it and nothing is deleted.
  std::optional<sample_summary> summary(timestamp_ms mint, timestamp_ms maxt) const {
    if (statistics_.empty() || chunks_.empty() || !deleted_.empty() ||
        chunks_.front().min_ts < mint || chunks_.back().max_ts > maxt)
      return std::nullopt;
    const auto s = decode_series_stats(statistics_);
    if (!s.ok() || block_->unreadable())
      return std::nullopt;
    sample_summary out{
        chunks_.front().min_ts, chunks_.back().max_ts, 0, s->first, s->last, s->min, s->max};
    for (const chunk_ref& chunk : chunks_)
      out.count += chunk.samples;
    return out.count < 4 ? std::nullopt : std::optional(out);
  }

  // False if the series is to be left out.
  bool load(series_ref ref) {
    if (!block_->read_series(ref, labels_, chunks_, &statistics_, &cursor_).ok()) {
      if (met_)
        ++met_->series;
      return false;
    }
    deleted_.clear();
    noted_.clear();
    if (const auto at = tombstones_->series.find(ref); at != tombstones_->series.end()) {
      if (at->second.labels_hash != labels_.hash()) {
        // Never show what may have been deleted.
        if (met_)
          ++met_->series;
        return false;
      }
      deleted_ = at->second.intervals;
    }
    return std::any_of(chunks_.begin(), chunks_.end(), [&](const chunk_ref& c) {
      return c.min_ts <= maxt_ && mint_ <= c.max_ts && !all_deleted(deleted_, c, mint_, maxt_);
    });
  }

  void note(const chunk_ref& chunk) {
    if (!met_ || !noted_.insert(chunk.offset).second)
      return;
    ++met_->chunks;
    met_->samples += chunk.samples;
  }

  std::shared_ptr<const block_reader> block_;
  std::shared_ptr<const tombstone_set> tombstones_;
  posting_list refs_;
  size_t at_ = 0;
  series_cursor cursor_;
  timestamp_ms mint_, maxt_;
  std::shared_ptr<read_damage> met_;
  std::set<uint64_t> noted_;  // damaged chunks of the series
  labels labels_;
  std::vector<chunk_ref> chunks_;
  window_cache cache_;
  std::string_view statistics_;  // of the series, whole block; the block keeps the bytes
  time_intervals deleted_;
};

class block_querier final : public querier {
 public:
  block_querier(std::shared_ptr<const block_reader> block, timestamp_ms mint, timestamp_ms maxt)
      : block_(std::move(block)), mint_(mint), maxt_(maxt) {}

  result<std::unique_ptr<series_set>> select(const select_hints&,
                                             std::span<const matcher> ms) override {
    return block_->select(ms, mint_, maxt_, met_);
  }
  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit) override {
    return block_->label_names(ms, limit, *met_);
  }
  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit) override {
    return block_->label_values(name, ms, limit, *met_);
  }
  std::vector<std::string> warnings() const override {
    if (!met_->any())
      return {};
    return {"block " + block_->meta().id + " is damaged: " + std::to_string(met_->chunks.load()) +
            " chunks with " + std::to_string(met_->samples.load()) + " samples and " +
            std::to_string(met_->series.load()) + " series could not be read" +
            (met_->blocks.load() != 0 ? ", its index not at all" : "")};
  }

 private:
  std::shared_ptr<const block_reader> block_;
  timestamp_ms mint_, maxt_;
  std::shared_ptr<read_damage> met_ = std::make_shared<read_damage>();
};

}  // namespace

result<std::shared_ptr<block_reader>> block_reader::open(file_system& fs, const std::string& dir,
                                                         std::shared_ptr<read_damage> total) {
  std::shared_ptr<block_reader> block(new block_reader());
  block->dir_ = dir;
  block->total_ = std::move(total);
  if (status s = block->load(fs); !s.ok())
    return as_damage(s).with_context(dir);
  return block;
}

status block_reader::load(file_system& fs) {
  TROUPE_ASSIGN(const auto meta_text,
                read_file(fs, join_path(dir_, block_layout::meta_file), small_file_limit));
  TROUPE_ASSIGN(meta_, decode_meta(meta_text));
  if (dir_.substr(dir_.rfind('/') + 1) != meta_.id)
    return {errc::corruption, "meta: of another block"};
  seed_ = block_seed(meta_.id);
  TROUPE_ASSIGN(const auto deleted,
                read_file(fs, join_path(dir_, block_layout::tombstone_file), small_file_limit));
  TROUPE_ASSIGN(auto tombstones, decode_tombstones(deleted, seed_));
  tombstones_ = std::make_shared<const tombstone_set>(std::move(tombstones));
  TROUPE_ASSIGN(index_file_, fs.map(join_path(dir_, block_layout::index_file)));
  TROUPE_ASSIGN(chunk_file_, fs.map(join_path(dir_, block_layout::chunk_file)));
  if (index_file_->data().size() != meta_.index_bytes)
    return {errc::corruption, "index: wrong length"};
  auto index = index_reader::open(index_file_->data(), seed_);
  if (index_file_->failed())
    return {errc::io_error, "index: cannot be read"};
  TROUPE_ASSIGN(index_, std::move(index));
  if (index_->series_count() != meta_.series)
    return {errc::corruption, "index: wrong number of series"};
  // A chunk file of another length costs only the chunks that are not in it.
  return {};
}

// The bytes of the chunk whose record lies there.
result<std::string_view> block_reader::chunk_at(uint64_t offset, uint32_t length) const {
  const auto file = chunk_file_->data();
  if (!chunk_file_->failed() && length > block_layout::checksum_bytes && offset <= file.size() &&
      length <= file.size() - offset) {
    byte_reader record(file.substr(static_cast<size_t>(offset), length));
    const uint32_t crc = record.u32();
    const auto bytes = record.take(record.remaining());
    if (crc == block_layout::chunk_checksum(bytes, offset, seed_))
      return bytes;
  }
  return {errc::corruption, "chunk: outside of the file or bad checksum"};
}

status block_reader::read_chunk(const chunk_ref& ref, timestamp_ms mint, timestamp_ms maxt,
                                sample_columns& out, window_cache& cache) const {
  const size_t floats = out.ts.size(), histograms = out.histograms.size();
  cache.enter(mint, maxt);
  const auto bytes = chunk_at(ref.offset, ref.length);
  status s = bytes.ok() ? read_linked(ref, *bytes, mint, maxt, out, cache) : bytes.error();
  if (chunk_file_->failed()) {
    // The bytes may have become zeros between the checksum and the decoding.
    out.ts.resize(floats);
    out.values.resize(floats);
    out.start_ts.resize(std::min(out.start_ts.size(), floats));
    out.histograms.resize(histograms);
    note(place::block, 0);
    s = {errc::io_error, "chunk: the file cannot be read any more"};
  }
  if (!s.ok())
    note(place::chunk, ref.offset, ref.samples);
  return s;
}

status block_reader::read_linked(const chunk_ref& ref, std::string_view bytes, timestamp_ms mint,
                                 timestamp_ms maxt, sample_columns& out,
                                 window_cache& cache) const {
  const chunk_window* base = cache.find(ref.offset);
  // From this chunk down to the first that stands alone or is known.
  std::array<std::pair<uint64_t, std::string_view>, max_chunk_links + 1> steps;
  size_t n = 0;
  for (uint64_t at = ref.offset; base == nullptr;) {
    steps[n++] = {at, bytes};
    TROUPE_ASSIGN(const auto link, link_of(bytes));
    if (!link && n == 1)
      return decode_chunk(bytes, mint, maxt, out);
    if (!link)
      break;
    if (link->distance > at || n == steps.size())
      return {errc::corruption, "chunk: its link leads nowhere"};
    at -= link->distance;
    base = cache.find(at);
    if (base != nullptr)
      break;
    const auto lower = chunk_at(at, link->length);
    if (!lower.ok()) {
      note(place::chunk, at, ref.samples);
      return lower.error();
    }
    bytes = *lower;
  }
  while (n-- > 0) {
    chunk_window window;
    TROUPE_TRY(decode_window(steps[n].second, mint, maxt, base, window));
    base = &cache.put(steps[n].first, std::move(window));
  }
  append_floats(out, base->columns);
  return {};
}

void block_reader::note(place what, uint64_t where, uint64_t samples) const {
  const std::lock_guard lock(mutex_);
  if (!damaged_.emplace(what, where).second)
    return;
  for (read_damage* d : {&damage_, total_.get()}) {
    if (d == nullptr)
      continue;
    ++(what == place::chunk ? d->chunks : what == place::series ? d->series : d->blocks);
    d->samples += samples;
  }
}

std::vector<uint64_t> block_reader::damaged_chunks() const {
  const std::lock_guard lock(mutex_);
  std::vector<uint64_t> out;
  for (const auto& [what, where] : damaged_)
    if (what == place::chunk)
      out.push_back(where);
  return out;
}

template <class T>
result<T> block_reader::unless_unreadable(result<T> found, read_damage* met) const {
  if (!index_file_->failed())
    return found;
  note(place::block, 0);
  if (met != nullptr)
    met->blocks = 1;
  return T();
}

status block_reader::read_series(series_ref ref, labels& out, std::vector<chunk_ref>& chunks,
                                 std::string_view* statistics, series_cursor* cursor) const {
  status s = index_->series(ref, out, &chunks, statistics, cursor);
  // The record's checksum says nothing of the symbols that it names.
  if (index_file_->failed()) {
    note(place::block, 0);
    s = {errc::io_error, "index: the file cannot be read any more"};
  }
  if (!s.ok())
    note(place::series, ref);
  return s;
}

result<std::vector<std::string>> block_reader::label_names(std::span<const matcher> ms,
                                                           size_t limit, read_damage& met) const {
  return unless_unreadable(index_->label_names(ms, limit), &met);
}

result<std::vector<std::string>> block_reader::label_values(std::string_view name,
                                                            std::span<const matcher> ms,
                                                            size_t limit, read_damage& met) const {
  return unless_unreadable(index_->label_values(name, ms, limit), &met);
}

std::unique_ptr<querier> block_reader::open_querier(timestamp_ms mint, timestamp_ms maxt) const {
  return std::make_unique<block_querier>(shared_from_this(), mint, maxt);
}

result<std::unique_ptr<series_set>> block_reader::select(std::span<const matcher> ms,
                                                         timestamp_ms mint, timestamp_ms maxt,
                                                         std::shared_ptr<read_damage> met) const {
  TROUPE_ASSIGN(auto refs, unless_unreadable(resolve(*index_, ms), met.get()));
  return std::unique_ptr<series_set>(std::make_unique<block_series_set>(
      shared_from_this(), std::move(refs), mint, maxt, std::move(met)));
}

result<uint64_t> block_reader::delete_series(file_system& fs, timestamp_ms mint, timestamp_ms maxt,
                                             std::span<const matcher> ms) {
  mint = std::max(mint, meta_.min_time);
  maxt = std::min(maxt, meta_.max_time - 1);
  if (mint > maxt)
    return uint64_t{0};
  auto found = resolve(*index_, ms);
  if (index_file_->failed())
    return {errc::io_error, "block " + meta_.id + ": the index cannot be read any more"};
  TROUPE_ASSIGN(auto refs, std::move(found));
  auto changed = std::make_shared<tombstone_set>(*tombstones());
  uint64_t touched = 0;
  labels series;
  std::vector<chunk_ref> chunks;
  series_cursor cursor;
  for (const series_ref ref : refs) {
    if (!read_series(ref, series, chunks, nullptr, &cursor).ok())
      continue;  // what cannot be read is not shown either
    const bool has = std::any_of(chunks.begin(), chunks.end(), [&](const chunk_ref& c) {
      return c.min_ts <= maxt && mint <= c.max_ts;
    });
    if (!has)
      continue;
    auto& entry = changed->series[ref];
    entry.labels_hash = series.hash();
    add_interval(entry.intervals, {mint, maxt});
    ++touched;
  }
  if (touched == 0)
    return touched;
  TROUPE_TRY(write_file_atomically(fs, join_path(dir_, block_layout::tombstone_file),
                                   encode_tombstones(*changed, seed_)));
  const std::lock_guard lock(mutex_);
  tombstones_ = std::move(changed);
  return touched;
}

uint64_t block_reader::tombstoned_series() const {
  return tombstones()->series.size();
}

std::shared_ptr<const tombstone_set> block_reader::tombstones() const {
  const std::lock_guard lock(mutex_);
  return tombstones_;
}

}  // namespace troupe::storage
