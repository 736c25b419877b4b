#include "storage/index/index_reader.h"

#include "storage/base/coding.h"
#include "storage/index/index_layout.h"

#include <algorithm>

namespace troupe::storage {
namespace {

status corrupt(const char* what) {
  return {errc::corruption, std::string("index: ") + what};
}

// A fixed-width number of a table; the caller has checked that it lies inside.
template <class T>
T number_at(std::string_view table, size_t offset) {
  T v;
  std::memcpy(&v, table.data() + offset, sizeof(T));
  return v;
}

status read_chunks(byte_reader& in, std::vector<chunk_ref>& out) {
  const uint64_t n = in.varint();
  if (n > in.remaining() / 5)  // a reference takes at least five bytes
    return corrupt("bad chunk count");
  out.clear();
  out.reserve(static_cast<size_t>(n));
  uint64_t time = 0, end = 0;
  for (uint64_t i = 0; i < n; ++i) {
    chunk_ref c;
    c.min_ts = static_cast<timestamp_ms>(time + static_cast<uint64_t>(in.svarint()));
    time = static_cast<uint64_t>(c.min_ts) + in.varint();
    c.max_ts = static_cast<timestamp_ms>(time);
    c.offset = end + static_cast<uint64_t>(in.svarint());
    const uint64_t length = in.varint(), samples = in.varint();
    if (in.failed() || length > UINT32_MAX || samples > UINT32_MAX || c.max_ts < c.min_ts)
      return corrupt("bad chunk reference");
    c.length = static_cast<uint32_t>(length);
    c.samples = static_cast<uint32_t>(samples);
    end = c.offset + length;
    out.push_back(c);
  }
  return {};
}

// Adds the references of a list in ascending order; false if one does not hold.
class reference_collector {
 public:
  reference_collector(uint32_t count, uint32_t series) : count_(count), series_(series) {
    out_.reserve(count);
  }
  bool add(uint64_t step, uint64_t times) {
    for (; times > 0; --times) {
      ref_ += step;
      if (step > UINT32_MAX || ref_ >= series_ || (step == 0 && !out_.empty()) ||
          out_.size() == count_)
        return false;
      out_.push_back(static_cast<series_ref>(ref_));
    }
    return true;
  }
  bool complete() const { return out_.size() == count_; }
  const posting_list& list() const { return out_; }

 private:
  const uint32_t count_, series_;
  uint64_t ref_ = 0;
  posting_list out_;
};

bool full(const std::vector<std::string>& out, size_t limit) {
  return limit != 0 && out.size() >= limit;
}

}  // namespace

struct index_reader::label_entry {
  uint32_t name = 0;
  uint32_t first = 0;
  uint32_t count = 0;
};

struct index_reader::value_entry {
  uint32_t value = 0;
  uint32_t count = 0;
  uint64_t offset = 0;
};

index_reader::index_reader(std::string_view data, uint32_t seed, checksums mode)
    : data_(data), seed_(seed), mode_(mode) {}

result<std::unique_ptr<index_reader>> index_reader::open(std::string_view data, uint32_t seed,
                                                         checksums mode) {
  std::unique_ptr<index_reader> reader(new index_reader(data, seed, mode));
  TROUPE_TRY(reader->load());
  return reader;
}

result<std::string_view> index_reader::section(std::string_view toc, size_t which) const {
  byte_reader line(toc.substr(which * index_layout::toc_entry_bytes));
  const uint64_t offset = line.u64(), length = line.u64();
  const uint32_t crc = line.u32();
  if (offset > data_.size() || length > data_.size() - offset)
    return corrupt("a table lies outside of the file");
  const auto bytes = data_.substr(static_cast<size_t>(offset), static_cast<size_t>(length));
  if (which != index_layout::table_records && mode_ == checksums::verify &&
      crc != index_layout::checksum(bytes, seed_, static_cast<uint32_t>(which)))
    return corrupt("bad checksum of a table");
  return bytes;
}

status index_reader::load() {
  if (data_.size() < index_layout::header_bytes + index_layout::footer_bytes)
    return corrupt("file too short");
  if (number_at<uint32_t>(data_, 0) != index_layout::magic)
    return corrupt("bad magic number");
  version_ = number_at<uint32_t>(data_, 4);
  if (version_ < index_layout::first_version || version_ > index_layout::version)
    return {errc::unsupported, "index: unknown version"};
  const auto footer = data_.substr(data_.size() - index_layout::footer_bytes);
  const auto toc = footer.substr(0, index_layout::toc_bytes);
  if (number_at<uint32_t>(footer, index_layout::toc_bytes + 4) != index_layout::magic ||
      (mode_ == checksums::verify &&
       number_at<uint32_t>(footer, index_layout::toc_bytes) !=
           index_layout::checksum(toc, seed_, index_layout::table_count)))
    return corrupt("bad table of contents");
  std::string_view* const tables[] = {&records_, &offsets_, &symbols_, &symbol_offsets_,
                                      &labels_,  &values_,  &postings_};
  for (size_t i = 0; i < index_layout::table_count; ++i) {
    TROUPE_ASSIGN(*tables[i], section(toc, i));
  }
  if (offsets_.size() % 8 != 0 || offsets_.size() / 8 > UINT32_MAX ||
      symbol_offsets_.size() % 8 != 0 || symbol_offsets_.size() < 8 ||
      labels_.size() % index_layout::label_bytes != 0 ||
      values_.size() % index_layout::value_bytes != 0)
    return corrupt("bad table length");
  if (flat()) {
    series_count_ = static_cast<uint32_t>(offsets_.size() / 8);
    return {};
  }
  // The number of series stands in front of the groups' places.
  const uint64_t groups = offsets_.size() / 8 - 1;
  const uint64_t series = offsets_.empty() ? 0 : number_at<uint64_t>(offsets_, 0);
  if (offsets_.empty() || series > UINT32_MAX ||
      groups != (series + index_layout::group_series - 1) / index_layout::group_series)
    return corrupt("wrong number of groups");
  series_count_ = static_cast<uint32_t>(series);
  return {};
}

bool index_reader::flat() const {
  return version_ <= index_layout::last_flat_version;
}

uint32_t index_reader::series_count() const {
  return series_count_;
}

std::string_view index_reader::symbol(uint32_t id) const {
  if (id >= symbol_offsets_.size() / 8 - 1)
    return {};
  const auto begin = number_at<uint64_t>(symbol_offsets_, size_t{id} * 8);
  const auto end = number_at<uint64_t>(symbol_offsets_, size_t{id} * 8 + 8);
  if (begin > end || end > symbols_.size())
    return {};
  return symbols_.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
}

// The body that the entry `place` of the table of offsets leads to.
result<std::string_view> index_reader::checked_body(size_t place, uint32_t number) const {
  const auto offset = number_at<uint64_t>(offsets_, place * 8);
  if (offset > records_.size())
    return corrupt("series offset out of range");
  byte_reader record(records_.substr(static_cast<size_t>(offset)));
  const uint32_t crc = record.u32();
  const std::string_view body = record.bytes();
  if (record.failed() ||
      (mode_ == checksums::verify && crc != index_layout::checksum(body, seed_, number)))
    return corrupt("bad checksum of a series");
  return body;
}

status index_reader::read_flat(series_ref ref, std::vector<symbol_pair>& pairs,
                               std::vector<chunk_ref>& chunks, std::string_view& statistics) const {
  TROUPE_ASSIGN(const auto body, checked_body(ref, ref));
  byte_reader in(body);
  const uint64_t n = in.varint();
  if (n > in.remaining() / 2)
    return corrupt("bad label count");
  pairs.clear();
  pairs.reserve(static_cast<size_t>(n));
  for (uint64_t i = 0; i < n; ++i) {
    const uint64_t name = in.varint(), value = in.varint();
    if (in.failed() || name > UINT32_MAX || value > UINT32_MAX)
      return corrupt("bad symbol");
    pairs.emplace_back(static_cast<uint32_t>(name), static_cast<uint32_t>(value));
  }
  TROUPE_TRY(read_chunks(in, chunks));
  statistics = in.take(in.remaining());
  return {};
}

status index_reader::enter_group(uint32_t group, series_cursor& cursor) const {
  cursor.next_ = cursor.end_ = 0;
  TROUPE_ASSIGN(const auto body, checked_body(1 + size_t{group}, group));
  cursor.records_ = byte_reader(body);
  cursor.state_ = {};
  cursor.next_ = group * index_layout::group_series;
  cursor.end_ = static_cast<uint32_t>(
      std::min<uint64_t>(uint64_t{cursor.next_} + index_layout::group_series, series_count_));
  return {};
}

status index_reader::read_grouped(series_ref ref, series_cursor& cursor,
                                  std::string_view& statistics) const {
  if (ref < cursor.next_ || ref >= cursor.end_)
    TROUPE_TRY(enter_group(ref / index_layout::group_series, cursor));
  while (cursor.next_ <= ref)
    if (status s = read_series_record(cursor.records_, cursor.state_, cursor.chunks_, statistics);
        s.ok()) {
      ++cursor.next_;
    } else {
      cursor.next_ = cursor.end_ = 0;
      return s;
    }
  return {};
}

status index_reader::series(series_ref ref, labels& out, std::vector<chunk_ref>* chunks,
                            std::string_view* statistics, series_cursor* cursor) const {
  if (ref >= series_count())
    return corrupt("series reference out of range");
  series_cursor own;
  series_cursor& at = cursor ? *cursor : own;
  std::string_view found;
  TROUPE_TRY(flat() ? read_flat(ref, at.state_.pairs, at.chunks_, found)
                    : read_grouped(ref, at, found));
  std::vector<label_view> pairs;
  pairs.reserve(at.state_.pairs.size());
  for (const auto& [name, value] : at.state_.pairs) {
    pairs.push_back({symbol(name), symbol(value)});
    if (pairs.back().name.empty() || pairs.back().value.empty())
      return corrupt("symbol out of range");
  }
  if (chunks)
    *chunks = at.chunks_;
  if (statistics)
    *statistics = found;
  out = labels::from_views(std::move(pairs));
  return {};
}

index_reader::label_entry index_reader::label_entry_at(uint32_t index) const {
  const size_t at = size_t{index} * index_layout::label_bytes;
  label_entry e{number_at<uint32_t>(labels_, at), number_at<uint32_t>(labels_, at + 4),
                number_at<uint32_t>(labels_, at + 8)};
  // Values beyond the table are not there.
  const auto total = static_cast<uint32_t>(values_.size() / index_layout::value_bytes);
  e.first = std::min(e.first, total);
  e.count = std::min(e.count, total - e.first);
  return e;
}

index_reader::value_entry index_reader::value_at(uint32_t index) const {
  const size_t at = size_t{index} * index_layout::value_bytes;
  return {number_at<uint32_t>(values_, at), number_at<uint32_t>(values_, at + 4),
          number_at<uint64_t>(values_, at + 8)};
}

bool index_reader::find_label(std::string_view name, label_entry& out) const {
  uint32_t lo = 0, hi = label_count();
  while (lo < hi) {
    const uint32_t mid = lo + (hi - lo) / 2;
    const label_entry e = label_entry_at(mid);
    const int order = symbol(e.name).compare(name);
    if (order == 0) {
      out = e;
      return true;
    }
    if (order < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return false;
}

result<postings_ptr> index_reader::read_postings(const value_entry& value) const {
  if (value.offset > postings_.size() || value.count > series_count())
    return corrupt("postings out of range");
  byte_reader in(postings_.substr(static_cast<size_t>(value.offset)));
  const uint8_t form =
      flat() ? static_cast<uint8_t>(index_layout::postings_form::differences) : in.u8();
  if (form > static_cast<uint8_t>(index_layout::postings_form::runs))
    return corrupt("unknown form of postings");
  const bool runs = form == static_cast<uint8_t>(index_layout::postings_form::runs);
  reference_collector refs(value.count, series_count());
  while (!refs.complete()) {
    const uint64_t step = in.varint(), times = runs ? in.varint() : 1;
    if (in.failed() || times == 0 || !refs.add(step, times))
      return corrupt("bad postings");
  }
  return std::make_shared<const posting_set>(posting_set::of(refs.list()));
}

result<std::vector<std::string>> index_reader::label_names(std::span<const matcher> ms,
                                                           size_t limit) const {
  postings_ptr wanted;
  if (!ms.empty()) {
    TROUPE_ASSIGN(wanted, resolve_set(*this, ms));
  }
  std::vector<std::string> out;
  const auto total = label_count();
  for (uint32_t i = 0; i < total && !full(out, limit); ++i) {
    const label_entry e = label_entry_at(i);
    bool any = ms.empty();
    for (uint32_t v = 0; v < e.count && !any && !wanted->empty(); ++v) {
      TROUPE_ASSIGN(auto list, read_postings(value_at(e.first + v)));
      any = intersects(*list, *wanted);
    }
    if (any)
      out.emplace_back(symbol(e.name));
  }
  return out;
}

result<std::vector<std::string>> index_reader::label_values(std::string_view name,
                                                            std::span<const matcher> ms,
                                                            size_t limit) const {
  std::vector<std::string> out;
  label_entry e;
  if (!find_label(name, e))
    return out;
  postings_ptr wanted;
  if (!ms.empty()) {
    TROUPE_ASSIGN(wanted, resolve_set(*this, ms));
  }
  for (uint32_t v = 0; v < e.count && !full(out, limit); ++v) {
    const value_entry value = value_at(e.first + v);
    if (!ms.empty()) {
      TROUPE_ASSIGN(auto list, read_postings(value));
      if (!intersects(*list, *wanted))
        continue;
    }
    out.emplace_back(symbol(value.value));
  }
  return out;
}

postings_ptr index_reader::all() const {
  if (series_count() == 0)
    return std::make_shared<const posting_set>();
  return std::make_shared<const posting_set>(posting_set::range(0, series_count() - 1));
}

std::optional<uint32_t> index_reader::find_value(const label_entry& label,
                                                 std::string_view value) const {
  uint32_t lo = label.first, hi = label.first + label.count;
  while (lo < hi) {
    const uint32_t mid = lo + (hi - lo) / 2;
    const int order = symbol(value_at(mid).value).compare(value);
    if (order == 0)
      return mid;
    if (order < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return std::nullopt;
}

result<postings_ptr> index_reader::lookup(std::string_view name, std::string_view value) const {
  const auto number = find_pair(name, value);
  return number ? pair_postings(*number) : std::make_shared<const posting_set>();
}

uint32_t index_reader::label_count() const {
  return static_cast<uint32_t>(labels_.size() / index_layout::label_bytes);
}

index_reader::label_group index_reader::label_at(uint32_t index) const {
  const label_entry e = label_entry_at(index);
  return {symbol(e.name), e.first, e.count};
}

uint32_t index_reader::pair_count() const {
  return static_cast<uint32_t>(values_.size() / index_layout::value_bytes);
}

index_reader::label_pair_entry index_reader::pair_at(uint32_t number) const {
  const value_entry e = value_at(number);
  return {symbol(e.value), e.count};
}

std::optional<uint32_t> index_reader::find_pair(std::string_view name,
                                                std::string_view value) const {
  label_entry e;
  return find_label(name, e) ? find_value(e, value) : std::nullopt;
}

result<postings_ptr> index_reader::pair_postings(uint32_t number) const {
  return read_postings(value_at(number));
}

uint64_t index_reader::record_offset(series_ref ref) const {
  return static_cast<uint64_t>(records_.data() - data_.data()) +
         number_at<uint64_t>(offsets_,
                             flat() ? size_t{ref} * 8 : 8 + ref / index_layout::group_series * 8);
}

status index_reader::check_tables() const {
  auto again = open(data_, seed_, mode_);
  return again.ok() ? status() : again.error();
}

result<std::vector<postings_ptr>> index_reader::collect(const matcher& m, bool wanted) const {
  std::vector<postings_ptr> lists;
  label_entry e;
  if (!find_label(m.name(), e))
    return lists;
  for (uint32_t i = 0; i < e.count; ++i) {
    const value_entry v = value_at(e.first + i);
    if (m.matches(symbol(v.value)) != wanted)
      continue;
    TROUPE_ASSIGN(auto list, read_postings(v));
    lists.push_back(std::move(list));
  }
  return lists;
}

}  // namespace troupe::storage
