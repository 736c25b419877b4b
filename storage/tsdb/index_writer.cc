#include "storage/tsdb/index_writer.h"

#include "storage/base/hash.h"
#include "storage/tsdb/layout.h"

namespace troupe::storage::tsdb {
namespace {

constexpr uint8_t version = 2;
constexpr size_t buffer_bytes = 1u << 20;
constexpr uint64_t postings_alignment = 4;

}  // namespace

status index_writer::append(std::string_view bytes) {
  buffer_ += bytes;
  position_ += bytes.size();
  if (buffer_.size() < buffer_bytes)
    return {};
  TROUPE_TRY(file_->append(buffer_));
  buffer_.clear();
  return {};
}

// Length u32, the bytes, their checksum.
status index_writer::append_section(std::string_view body) {
  if (body.size() > UINT32_MAX)
    return {errc::out_of_bounds, "a table of an index of Prometheus would exceed 4 GiB"};
  std::string edge;
  layout::put_be32(edge, static_cast<uint32_t>(body.size()));
  TROUPE_TRY(append(edge));
  TROUPE_TRY(append(body));
  edge.clear();
  layout::put_be32(edge, crc32c(body));
  return append(edge);
}

status index_writer::pad(uint64_t alignment) {
  const uint64_t rest = position_ % alignment;
  return rest == 0 ? status() : append(std::string(alignment - rest, '\0'));
}

status index_writer::begin(std::vector<std::string> symbols) {
  symbols_ = std::move(symbols);
  std::string out;
  layout::put_be32(out, layout::index_magic);
  put_u8(out, version);
  TROUPE_TRY(append(out));
  out.clear();
  layout::put_be32(out, static_cast<uint32_t>(symbols_.size()));
  for (size_t i = 0; i < symbols_.size(); ++i) {
    put_bytes(out, symbols_[i]);
    numbers_.emplace(symbols_[i], static_cast<uint32_t>(i));
  }
  symbols_at_ = position_;
  TROUPE_TRY(append_section(out));
  TROUPE_TRY(pad(layout::series_alignment));
  series_at_ = position_;
  return {};
}

status index_writer::add(const labels& series, std::span<const chunk_meta> chunks) {
  TROUPE_TRY(pad(layout::series_alignment));
  const uint64_t number = position_ / layout::series_alignment;
  if (number > UINT32_MAX)
    return {errc::out_of_bounds, "the index of a block of Prometheus would exceed 64 GiB"};
  const auto ref = static_cast<uint32_t>(number);
  std::string body;
  put_varint(body, series.size());
  for (const auto& pair : series) {
    const uint32_t name = symbol(pair.name), value = symbol(pair.value);
    put_varint(body, name);
    put_varint(body, value);
    postings_[{name, value}].push_back(ref);
  }
  all_.push_back(ref);
  put_varint(body, chunks.size());
  uint64_t time = 0, place = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const auto min = static_cast<uint64_t>(chunks[i].min_ts);
    const auto max = static_cast<uint64_t>(chunks[i].max_ts);
    if (i == 0) {
      put_svarint(body, chunks[i].min_ts);
      put_varint(body, max - min);
      put_varint(body, chunks[i].place);
    } else {
      put_varint(body, min - time);
      put_varint(body, max - min);
      put_svarint(body, static_cast<int64_t>(chunks[i].place - place));
    }
    time = max;
    place = chunks[i].place;
  }
  std::string record;
  put_bytes(record, body);
  layout::put_be32(record, crc32c(body));
  return append(record);
}

status index_writer::write_postings(std::span<const uint32_t> refs, std::string_view name,
                                    std::string_view value) {
  TROUPE_TRY(pad(postings_alignment));
  ++table_entries_;
  put_u8(table_, 2);  // keys of an entry
  put_bytes(table_, name);
  put_bytes(table_, value);
  put_varint(table_, position_);
  std::string body;
  body.reserve(4 + refs.size() * 4);
  layout::put_be32(body, static_cast<uint32_t>(refs.size()));
  for (const uint32_t ref : refs)
    layout::put_be32(body, ref);
  return append_section(body);
}

status index_writer::finish() {
  TROUPE_TRY(pad(postings_alignment));
  const uint64_t postings_at = position_;
  // The numbers of symbols are in the order of their texts, and so are the pairs.
  TROUPE_TRY(write_postings(all_, "", ""));
  for (const auto& [pair, refs] : postings_)
    TROUPE_TRY(write_postings(refs, symbols_[pair.first], symbols_[pair.second]));
  const uint64_t table_at = position_;
  std::string table;
  layout::put_be32(table, table_entries_);
  TROUPE_TRY(append_section(table + table_));
  std::string toc;
  // Label indices, which nobody reads any more, are left out.
  for (const uint64_t offset :
       {symbols_at_, series_at_, uint64_t{0}, uint64_t{0}, postings_at, table_at})
    layout::put_be64(toc, offset);
  layout::put_be32(toc, crc32c(toc));
  TROUPE_TRY(append(toc));
  TROUPE_TRY(file_->append(buffer_));
  TROUPE_TRY(file_->sync());
  return file_->close();
}

}  // namespace troupe::storage::tsdb
