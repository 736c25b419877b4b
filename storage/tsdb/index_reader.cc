#include "storage/tsdb/index_reader.h"

#include "storage/base/hash.h"
#include "storage/tsdb/layout.h"

namespace troupe::storage::tsdb {
namespace {

// Places in the table of contents.
enum toc : size_t { toc_symbols = 0, toc_postings_table = 5 };

constexpr uint8_t version_1 = 1, version_2 = 2;

}  // namespace

result<index_reader> index_reader::open(std::string_view bytes, std::string file, checksums mode) {
  index_reader reader(bytes, std::move(file), mode);
  TROUPE_TRY(reader.load());
  return reader;
}

status index_reader::corrupt(uint64_t offset, std::string_view what) const {
  return layout::corrupt(file_, offset, what);
}

status index_reader::load() {
  if (bytes_.size() < layout::index_header_bytes + layout::toc_bytes)
    return corrupt(bytes_.size(), "the file is too short for an index");
  byte_reader front(bytes_);
  if (layout::be32(front) != layout::index_magic)
    return corrupt(0, "not an index");
  version_ = front.u8();
  if (version_ != version_1 && version_ != version_2)
    return {errc::unsupported, fmt::format("{}: offset 4: unknown version {}", file_, version_)};
  const size_t at = bytes_.size() - layout::toc_bytes;
  const auto toc = bytes_.substr(at, layout::toc_bytes - layout::crc_bytes);
  byte_reader tail(bytes_.substr(at + toc.size()));
  if (layout::be32(tail) != crc32c(toc) && mode_ == checksums::verify)
    return corrupt(at, "bad checksum of the table of contents");
  std::array<uint64_t, layout::toc_entries> offsets{};
  byte_reader in(toc);
  for (auto& o : offsets)
    o = layout::be64(in);
  if (offsets[toc_symbols] != 0)
    TROUPE_TRY(load_symbols(offsets[toc_symbols]));
  return offsets[toc_postings_table] != 0 ? load_series(offsets[toc_postings_table]) : status();
}

// Length u32, that many bytes, their checksum.
result<std::string_view> index_reader::section(uint64_t offset, std::string_view what) const {
  if (offset > bytes_.size())
    return corrupt(offset, fmt::format("{} lie outside of the file", what));
  byte_reader in(bytes_.substr(offset));
  const auto body = in.take(layout::be32(in));
  const uint32_t crc = layout::be32(in);
  if (in.failed())
    return corrupt(offset, fmt::format("{} are cut", what));
  if (crc != crc32c(body) && mode_ == checksums::verify)
    return corrupt(offset, fmt::format("bad checksum of {}", what));
  return body;
}

status index_reader::load_symbols(uint64_t offset) {
  TROUPE_ASSIGN(const auto body, section(offset, "the symbols"));
  byte_reader in(body);
  const uint32_t count = layout::be32(in);
  if (count > in.remaining())
    return corrupt(offset, "more symbols than bytes");
  first_symbol_ = place_of(in.position());
  end_of_symbols_ = place_of(body.data()) + body.size();
  if (version_ == version_1)
    return {};
  symbols_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t at = place_of(in.position());
    symbols_.push_back(in.bytes());
    if (in.failed())
      return corrupt(at, "a symbol is cut");
  }
  return {};
}

// The list of all series is that of the empty label.
status index_reader::load_series(uint64_t postings_table) {
  TROUPE_ASSIGN(const auto table, section(postings_table, "the postings table"));
  byte_reader in(table);
  for (uint32_t entries = layout::be32(in); entries > 0; --entries) {
    const uint64_t at = place_of(in.position());
    const uint8_t keys = in.u8();
    const auto name = in.bytes(), value = in.bytes();
    const uint64_t offset = in.varint();
    if (in.failed() || keys != 2)
      return corrupt(at, "an entry of the postings table does not hold");
    if (!name.empty() || !value.empty())
      continue;
    TROUPE_ASSIGN(const auto list, section(offset, "the postings of all series"));
    byte_reader refs(list);
    const uint32_t count = layout::be32(refs);
    if (count > refs.remaining() / 4)
      return corrupt(offset, "more postings than bytes");
    series_.reserve(count);
    for (uint32_t i = 0; i < count; ++i)
      series_.push_back(layout::be32(refs));
    return {};
  }
  return in.failed() ? corrupt(postings_table, "the postings table is cut") : status();
}

result<std::string_view> index_reader::symbol(uint64_t ref) const {
  if (version_ == version_2)
    return ref < symbols_.size() ? result<std::string_view>(symbols_[ref])
                                 : status(errc::corruption, "no such symbol");
  if (ref < first_symbol_ || ref >= end_of_symbols_)
    return {errc::corruption, "no such symbol"};
  byte_reader in(bytes_.substr(ref, end_of_symbols_ - ref));
  const auto text = in.bytes();
  return in.failed() ? status(errc::corruption, "a symbol is cut") : result<std::string_view>(text);
}

uint64_t index_reader::offset_of(uint32_t number) const {
  return version_ == version_1 ? number : number * layout::series_alignment;
}

status index_reader::read(uint32_t number, labels* out, std::vector<chunk_meta>& chunks) const {
  const uint64_t at = offset_of(number);
  if (at > bytes_.size())
    return corrupt(at, "a series lies outside of the file");
  byte_reader record(bytes_.substr(at));
  const auto body = record.bytes();
  const uint32_t crc = layout::be32(record);
  if (record.failed())
    return corrupt(at, "a series is cut");
  if (crc != crc32c(body) && mode_ == checksums::verify)
    return corrupt(at, "bad checksum of a series");
  byte_reader in(body);
  const uint64_t count = in.varint();
  if (count > in.remaining() / 2)
    return corrupt(at, "a series has more labels than bytes");
  std::vector<label_view> pairs;
  pairs.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto name = symbol(in.varint()), value = symbol(in.varint());
    if (in.failed() || !name.ok() || !value.ok() || name->empty())
      return corrupt(at, "a label of a series does not hold");
    pairs.push_back({*name, *value});
  }
  chunks.clear();
  const uint64_t n = in.varint();
  if (n > in.remaining() / 3)
    return corrupt(at, "a series has more chunks than bytes");
  chunks.reserve(n);
  uint64_t time = 0, place = 0;
  for (uint64_t i = 0; i < n; ++i) {
    chunk_meta c;
    time = i == 0 ? static_cast<uint64_t>(in.svarint()) : time + in.varint();
    c.min_ts = static_cast<timestamp_ms>(time);
    time += in.varint();
    c.max_ts = static_cast<timestamp_ms>(time);
    place = i == 0 ? in.varint() : place + static_cast<uint64_t>(in.svarint());
    c.place = place;
    if (in.failed() || c.max_ts < c.min_ts)
      return corrupt(at, "a chunk of a series does not hold");
    chunks.push_back(c);
  }
  if (out != nullptr)
    *out = labels::from_views(std::move(pairs));
  return {};
}

}  // namespace troupe::storage::tsdb
