#include "storage/block/block_writer.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/block/block_layout.h"
#include "storage/block/bucket_group.h"
#include "storage/block/chunk_sharing.h"
#include "storage/block/series_stats.h"
#include "storage/block/tombstones.h"
#include "storage/chunk/chunk.h"
#include "storage/index/index_writer.h"

#include <algorithm>

namespace troupe::storage {
namespace {

// Long chunks share their headers, odds and index entries among many samples; readers decode from
// the start of a chunk to the end of what they want. About: chunks end where a block of the packed
// columns does. Of merges longer: a day at 15 s is one chunk.
constexpr size_t most_floats_per_chunk = 1920;
constexpr size_t most_floats_per_cold_chunk = 5824;
constexpr size_t float_block = 64;
constexpr size_t histograms_per_chunk = 120;
constexpr size_t histogram_bytes_per_chunk = 256u << 10;
constexpr size_t buffer_bytes = 1u << 20;
/// Statistics take at most this part of their series' chunks; they have at least so many bytes.
constexpr uint64_t statistics_share = 100;
constexpr uint64_t least_statistics_bytes = 6;

// The file of chunks: each behind its checksum.
class chunk_writer {
 public:
  chunk_writer(std::unique_ptr<writable_file> file, uint32_t seed)
      : file_(std::move(file)), seed_(seed) {}

  status add(std::string_view bytes, chunk_ref& ref) {
    ref.offset = offset_;
    ref.length = static_cast<uint32_t>(block_layout::checksum_bytes + bytes.size());
    put_u32(buffer_, block_layout::chunk_checksum(bytes, offset_, seed_));
    buffer_ += bytes;
    offset_ += ref.length;
    return buffer_.size() >= buffer_bytes ? flush() : status();
  }
  status finish() {
    TROUPE_TRY(flush());
    TROUPE_TRY(file_->sync());
    return file_->close();
  }
  uint64_t size() const { return offset_; }

 private:
  status flush() {
    TROUPE_TRY(file_->append(buffer_));
    buffer_.clear();
    return {};
  }

  std::unique_ptr<writable_file> file_;
  const uint32_t seed_;
  uint64_t offset_ = 0;
  std::string buffer_;
};

size_t approximate_bytes(const histogram& h) {
  return 64 + 8 * (h.positive_spans.size() + h.negative_spans.size() + h.positive_buckets.size() +
                   h.negative_buckets.size() + h.custom_bounds.size());
}

// How many of `rows` go into the next chunk.
size_t histogram_run(std::span<const sample_columns::histogram_row> rows) {
  size_t n = 0, bytes = 0;
  do
    bytes += approximate_bytes(*rows[n++].value);
  while (n < rows.size() && n < histograms_per_chunk && bytes < histogram_bytes_per_chunk);
  return n;
}

void encode_floats(const sample_columns& in, storage_tier tier, std::vector<encoded_chunk>& out) {
  const size_t total = in.ts.size();
  const size_t most =
      tier == storage_tier::cold ? most_floats_per_cold_chunk : most_floats_per_chunk;
  const size_t chunks = (total + most - 1) / most;
  size_t i = 0;
  for (size_t k = 1; k <= chunks; ++k) {
    // All of about the same length: no short one is left over.
    const size_t end = (total * k / chunks + float_block - 1) / float_block * float_block;
    const size_t n = std::min(end, total) - i;
    const std::span<const timestamp_ms> starts(in.start_ts);
    out.push_back({{in.ts[i], in.ts[i + n - 1], 0, 0, static_cast<uint32_t>(n)},
                   encode_chunk({in.ts.data() + i, n}, {in.values.data() + i, n},
                                starts.empty() ? starts : starts.subspan(i, n), tier)});
    i += n;
  }
}

void encode_histograms(const sample_columns& in, std::vector<encoded_chunk>& out) {
  std::span<const sample_columns::histogram_row> rows(in.histograms);
  while (!rows.empty()) {
    const size_t n = histogram_run(rows);
    out.push_back({{rows[0].ts, rows[n - 1].ts, 0, 0, static_cast<uint32_t>(n)},
                   encode_histogram_chunk(rows.first(n))});
    rows = rows.subspan(n);
  }
}

// The statistics of a series, if they are worth their place beside its chunks.
std::string statistics_of(const sample_columns& columns, std::span<const encoded_chunk> chunks) {
  uint64_t bytes = 0;
  for (const auto& c : chunks)
    bytes += block_layout::checksum_bytes + c.bytes.size();
  if (!columns.histograms.empty() || bytes < least_statistics_bytes * statistics_share)
    return {};
  const auto stats = series_stats_of(columns.values);
  auto out = stats ? encode_series_stats(*stats) : std::string();
  return out.size() * statistics_share <= bytes ? out : std::string();
}

// Takes series in label order into the two big files.
class series_writer {
 public:
  series_writer(chunk_writer& chunks, index_writer& index, uint64_t seed, storage_tier tier)
      : chunks_(chunks), index_(index), sharing_(seed), tier_(tier) {}

  status add(const labels& series, const sample_columns& columns) {
    encoded_series s{series, {}, {}};
    encode_floats(columns, tier_, s.chunks);
    encode_histograms(columns, s.chunks);
    std::stable_sort(s.chunks.begin(), s.chunks.end(),
                     [](const auto& a, const auto& b) { return a.ref.min_ts < b.ref.min_ts; });
    s.statistics = statistics_of(columns, s.chunks);
    for (encoded_chunk& c : s.chunks) {
      c.content = sharing_.content_of(c.bytes);
      share(c, 0);
    }
    auto place = tier_ == storage_tier::cold ? bucket_place_of(series) : std::nullopt;
    if (!place || !buckets_.takes(*place))
      TROUPE_TRY(flush());
    if (place) {
      buckets_.add(std::move(*place), std::move(s));
      return {};
    }
    for (encoded_chunk& c : s.chunks)
      TROUPE_TRY(write(c, 0));
    return add_to_index(s);
  }
  /// Writes what is held back.
  status flush() {
    for (chunk_plan& p : buckets_.plan()) {
      if (p.base != nullptr && !share(*p.chunk, p.links)) {
        ++linked_;
        const chunk_link link{chunks_.size() - p.base->ref.offset, p.base->ref.length};
        p.chunk->bytes = encode_linked_chunk(p.chunk->ref.samples, link, p.sign, p.difference);
      }
      TROUPE_TRY(write(*p.chunk, p.links));
    }
    for (const encoded_series& s : buckets_.series())
      TROUPE_TRY(add_to_index(s));
    buckets_.clear();
    return {};
  }
  uint64_t linked_chunks() const { return linked_; }
  /// Of all series, shared ones as often as they are.
  uint64_t chunks() const { return index_chunks_; }

 private:
  status add_to_index(const encoded_series& s) {
    refs_.clear();
    for (const auto& c : s.chunks)
      refs_.push_back(c.ref);
    index_chunks_ += refs_.size();
    return index_.add(s.series, refs_, s.statistics);
  }

  // True if the chunk has a place now: that of one with the same content and no more links.
  bool share(encoded_chunk& c, uint32_t links) {
    if (c.placed)
      return true;
    const auto at = sharing_.take(c.content, links);
    if (!at)
      return false;
    c.ref.offset = at->offset;
    c.ref.length = at->length;
    return c.placed = true;
  }
  status write(encoded_chunk& c, uint32_t links) {
    if (share(c, links))
      return {};
    TROUPE_TRY(chunks_.add(c.bytes, c.ref));
    sharing_.note(c.content, {c.ref.offset, c.ref.length, links});
    c.placed = true;
    return {};
  }

  chunk_writer& chunks_;
  index_writer& index_;
  chunk_sharing sharing_;
  const storage_tier tier_;
  bucket_group buckets_;
  std::vector<chunk_ref> refs_;
  uint64_t linked_ = 0, index_chunks_ = 0;
};

// Streams `source` into the two big files and counts into `meta`.
status write_series(chunk_writer& chunks, index_writer& index, const block_spec& spec,
                    series_set& source, block_meta& meta) {
  // What was cut from a head is read most; merges are older.
  series_writer out(chunks, index, xxh3(spec.id),
                    spec.level > 1 ? storage_tier::cold : storage_tier::hot);
  sample_columns columns;
  while (source.next()) {
    columns.clear();
    TROUPE_TRY(source.read(spec.min_time, spec.max_time - 1, columns));
    if (columns.ts.empty() && columns.histograms.empty())
      continue;
    TROUPE_TRY(out.add(source.series(), columns));
    ++meta.series;
    meta.samples += columns.ts.size() + columns.histograms.size();
    meta.histograms += columns.histograms.size();
  }
  TROUPE_TRY(out.flush());
  meta.chunks = out.chunks();
  meta.linked_chunks = out.linked_chunks();
  return source.error();
}

status write_small_file(file_system& fs, const std::string& path, std::string_view content) {
  TROUPE_ASSIGN(auto file, fs.create(path));
  TROUPE_TRY(file->append(content));
  TROUPE_TRY(file->sync());
  return file->close();
}

// Writes and syncs all files below `tmp`; with no samples only an unfinished folder is left.
result<block_meta> write_files(file_system& fs, const std::string& tmp, const block_spec& spec,
                               series_set& source) {
  block_meta meta;
  meta.id = spec.id;
  meta.tenant = spec.tenant;
  meta.min_time = spec.min_time;
  meta.max_time = spec.max_time;
  meta.level = spec.level;
  meta.sources = spec.sources.empty() ? std::vector<std::string>{spec.id} : spec.sources;
  meta.parents = spec.parents;
  const uint32_t seed = block_seed(spec.id);
  TROUPE_TRY(fs.create_directories(tmp));
  TROUPE_ASSIGN(auto chunk_file, fs.create(join_path(tmp, block_layout::chunk_file)));
  TROUPE_ASSIGN(auto index_file, fs.create(join_path(tmp, block_layout::index_file)));
  chunk_writer chunks(std::move(chunk_file), seed);
  index_writer index(std::move(index_file), seed);
  TROUPE_TRY(write_series(chunks, index, spec, source, meta));
  if (meta.samples == 0)
    return meta;
  TROUPE_TRY(chunks.finish());
  TROUPE_TRY(index.finish());
  meta.chunk_bytes = chunks.size();
  TROUPE_ASSIGN(meta.index_bytes, fs.file_size(join_path(tmp, block_layout::index_file)));
  TROUPE_TRY(write_small_file(fs, join_path(tmp, block_layout::tombstone_file),
                              encode_tombstones({}, seed)));
  TROUPE_TRY(write_small_file(fs, join_path(tmp, block_layout::meta_file), encode_meta(meta)));
  TROUPE_TRY(fs.sync_directory(tmp));
  return meta;
}

}  // namespace

result<block_meta> write_block(file_system& fs, const std::string& dir, const block_spec& spec,
                               series_set& source) {
  TROUPE_CHECK(is_block_id(spec.id) && spec.min_time < spec.max_time);
  const std::string path = join_path(dir, spec.id);
  const std::string tmp = path + std::string(block_layout::temporary_suffix);
  auto meta = write_files(fs, tmp, spec, source);
  if (!meta.ok() || meta->samples == 0) {
    // What cannot be removed now is removed when the folder is opened next.
    fs.remove_all(tmp).ignore();
    return meta;
  }
  if (status s = fs.rename(tmp, path); !s.ok()) {
    fs.remove_all(tmp).ignore();
    return s;
  }
  if (status s = fs.sync_directory(dir); !s.ok()) {
    // The caller goes on as if the block did not exist: it must not come back later.
    remove_block(fs, dir, spec.id).ignore();
    return s;
  }
  return meta;
}

status remove_block(file_system& fs, const std::string& dir, const std::string& id) {
  const std::string path = join_path(dir, id);
  const std::string gone = path + std::string(block_layout::deleted_suffix);
  TROUPE_TRY(fs.rename(path, gone));
  TROUPE_TRY(fs.sync_directory(dir));
  return fs.remove_all(gone);
}

}  // namespace troupe::storage
