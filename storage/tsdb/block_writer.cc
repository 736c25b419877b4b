#include "storage/tsdb/block_writer.h"

#include "storage/base/hash.h"
#include "storage/tsdb/chunk_codec.h"
#include "storage/tsdb/index_writer.h"
#include "storage/tsdb/layout.h"
#include "storage/tsdb/tombstones.h"

#include <algorithm>
#include <unordered_set>

namespace troupe::storage::tsdb {
namespace {

constexpr std::string_view temporary_suffix = ".tmp-for-creation";
constexpr uint64_t most_segment_bytes = 512u << 20;
constexpr size_t buffer_bytes = 1u << 20;

// The files of chunks, one after the other.
class chunk_writer {
 public:
  chunk_writer(file_system& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}

  /// Where the chunk lies.
  result<uint64_t> add(const encoded& chunk) {
    std::string record;
    put_varint(record, chunk.data.size());
    const size_t front = record.size();
    put_u8(record, static_cast<uint8_t>(chunk.how));
    record += chunk.data;
    layout::put_be32(record, crc32c(std::string_view(record).substr(front)));
    if (!file_ || position_ + record.size() > most_segment_bytes)
      TROUPE_TRY(next_file());
    const uint64_t place = uint64_t{files_ - 1} << 32 | position_;
    buffer_ += record;
    position_ += record.size();
    if (buffer_.size() >= buffer_bytes)
      TROUPE_TRY(flush());
    return place;
  }
  status finish() {
    if (!file_)
      return {};
    TROUPE_TRY(flush());
    TROUPE_TRY(file_->sync());
    return file_->close();
  }

 private:
  status next_file() {
    TROUPE_TRY(finish());
    TROUPE_ASSIGN(file_, fs_.create(join_path(dir_, fmt::format("{:06}", ++files_))));
    layout::put_be32(buffer_, layout::chunk_magic);
    put_u8(buffer_, layout::chunk_version);
    buffer_.append(layout::chunk_header_bytes - buffer_.size(), '\0');
    position_ = buffer_.size();
    return {};
  }
  status flush() {
    TROUPE_TRY(file_->append(buffer_));
    buffer_.clear();
    return {};
  }

  file_system& fs_;
  const std::string dir_;
  std::unique_ptr<writable_file> file_;
  uint32_t files_ = 0;
  uint64_t position_ = 0;
  std::string buffer_;
};

result<std::vector<std::string>> collect_symbols(series_set& set) {
  std::unordered_set<std::string> found;
  while (set.next())
    for (const auto& pair : set.series()) {
      found.emplace(pair.name);
      found.emplace(pair.value);
    }
  TROUPE_TRY(set.error());
  std::vector<std::string> out(found.begin(), found.end());
  std::sort(out.begin(), out.end());
  return out;
}

status write_samples(const sample_columns& all, chunk_writer& chunks,
                     std::vector<chunk_meta>& out) {
  chunk_cutter cutter(all);
  for (timed_chunk c; cutter.next(c);) {
    TROUPE_ASSIGN(const uint64_t place, chunks.add(c.chunk));
    out.push_back({c.first, c.last, place});
  }
  return {};
}

status write_series(series_set& set, const block_spec& spec, chunk_writer& chunks,
                    index_writer& index, meta& m, const std::function<void(uint64_t)>& on_series) {
  sample_columns columns;
  std::vector<chunk_meta> places;
  while (set.next()) {
    columns.clear();
    places.clear();
    TROUPE_TRY(set.read(spec.begin, spec.end - 1, columns));
    if (columns.ts.empty() && columns.histograms.empty())
      continue;
    TROUPE_TRY(write_samples(columns, chunks, places));
    TROUPE_TRY(index.add(set.series(), places));
    ++m.series;
    m.chunks += places.size();
    m.floats += columns.ts.size();
    m.histograms += columns.histograms.size();
    m.samples = m.floats + m.histograms;
    if (on_series)
      on_series(m.samples);
  }
  return set.error();
}

status write_small_file(file_system& fs, const std::string& path, std::string_view content) {
  TROUPE_ASSIGN(auto file, fs.create(path));
  TROUPE_TRY(file->append(content));
  TROUPE_TRY(file->sync());
  return file->close();
}

result<meta> write_files(file_system& fs, const std::string& tmp, const block_spec& spec,
                         const std::function<result<std::unique_ptr<series_set>>()>& open,
                         const std::function<void(uint64_t)>& on_series) {
  meta m;
  m.ulid = spec.ulid;
  m.min_time = spec.begin;
  m.max_time = spec.end;
  TROUPE_ASSIGN(auto names, open());
  TROUPE_ASSIGN(auto symbols, collect_symbols(*names));
  names.reset();
  const std::string chunk_dir = join_path(tmp, layout::chunk_folder);
  TROUPE_TRY(fs.create_directories(chunk_dir));
  TROUPE_ASSIGN(auto index_file, fs.create(join_path(tmp, layout::index_file)));
  chunk_writer chunks(fs, chunk_dir);
  index_writer index(std::move(index_file));
  TROUPE_TRY(index.begin(std::move(symbols)));
  TROUPE_ASSIGN(auto set, open());
  TROUPE_TRY(write_series(*set, spec, chunks, index, m, on_series));
  if (m.samples == 0)
    return m;
  TROUPE_TRY(chunks.finish());
  TROUPE_TRY(index.finish());
  TROUPE_TRY(write_small_file(fs, join_path(tmp, layout::tombstone_file), encode_tombstones({})));
  TROUPE_TRY(write_small_file(fs, join_path(tmp, layout::meta_file), encode_meta(m)));
  TROUPE_TRY(fs.sync_directory(chunk_dir));
  TROUPE_TRY(fs.sync_directory(tmp));
  return m;
}

}  // namespace

result<meta> write_block(file_system& fs, const std::string& dir, const block_spec& spec,
                         const std::function<result<std::unique_ptr<series_set>>()>& open,
                         const std::function<void(uint64_t)>& on_series) {
  const std::string path = join_path(dir, spec.ulid), tmp = path + std::string(temporary_suffix);
  auto made = write_files(fs, tmp, spec, open, on_series);
  status failed = made.ok() ? status() : made.error();
  if (failed.ok() && made->samples != 0)
    failed = fs.rename(tmp, path);
  if (!failed.ok() || made->samples == 0) {
    fs.remove_all(tmp).ignore();
    return failed.ok() ? made : failed;
  }
  TROUPE_TRY(fs.sync_directory(dir));
  return made;
}

}  // namespace troupe::storage::tsdb
