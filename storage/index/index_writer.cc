#include "storage/index/index_writer.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/index/index_layout.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <vector>

namespace troupe::storage {
namespace {

constexpr size_t buffer_bytes = 256u << 10;

// Strings in order of first use, each once.
class symbol_collector {
 public:
  uint32_t intern(std::string_view s) {
    const auto at = ids_.find(std::string(s));
    if (at != ids_.end())
      return at->second;
    const auto id = static_cast<uint32_t>(offsets_.size() - 1);
    ids_.emplace(s, id);
    bytes_ += s;
    offsets_.push_back(bytes_.size());
    return id;
  }
  std::string_view at(uint32_t id) const {
    return std::string_view(bytes_).substr(offsets_[id], offsets_[id + 1] - offsets_[id]);
  }
  const std::string& bytes() const { return bytes_; }
  const std::vector<uint64_t>& offsets() const { return offsets_; }

 private:
  std::unordered_map<std::string, uint32_t> ids_;  // looked up only
  std::string bytes_;
  std::vector<uint64_t> offsets_{0};
};

struct label_pair {
  uint32_t name;
  uint32_t value;
  posting_list series;
};

// In the shorter of the two forms.
void put_postings(const posting_list& list, std::string& out) {
  std::string differences, runs;
  put_u8(differences, static_cast<uint8_t>(index_layout::postings_form::differences));
  put_u8(runs, static_cast<uint8_t>(index_layout::postings_form::runs));
  series_ref before = 0;
  for (size_t i = 0; i < list.size();) {
    const series_ref step = list[i] - before;
    uint64_t run = 0;
    for (; i < list.size() && list[i] - before == step; before = list[i++], ++run)
      put_varint(differences, step);
    put_varint(runs, step);
    put_varint(runs, run);
  }
  out += runs.size() < differences.size() ? runs : differences;
}

}  // namespace

struct index_writer::impl {
  impl(std::unique_ptr<writable_file> f, uint32_t s) : file(std::move(f)), seed(s) {
    put_u32(buffer, index_layout::magic);
    put_u32(buffer, index_layout::version);
  }

  status flush() {
    TROUPE_TRY(file->append(buffer));
    written += buffer.size();
    buffer.clear();
    return {};
  }

  void note_pair(uint32_t name, uint32_t value, series_ref ref) {
    const uint64_t key = static_cast<uint64_t>(name) << 32 | value;
    const auto [at, fresh] = pair_ids.try_emplace(key, pairs.size());
    if (fresh)
      pairs.push_back({name, value, {}});
    pairs[at->second].series.push_back(ref);
  }

  // Writes the series since the last group to the buffer.
  void end_group() {
    if (group.empty())
      return;
    const auto number = static_cast<uint32_t>((series - 1) / index_layout::group_series);
    put_u32(buffer, index_layout::checksum(group, seed, number));
    put_bytes(buffer, group);
    group.clear();
    state = {};
  }

  // Writes one table and its line in the table of contents.
  status put_table(index_layout::table which, std::string_view bytes) {
    put_u64(toc, written);
    put_u64(toc, bytes.size());
    put_u32(toc, index_layout::checksum(bytes, seed, which));
    TROUPE_TRY(file->append(bytes));
    written += bytes.size();
    return {};
  }

  status put_numbers(index_layout::table which, const std::vector<uint64_t>& numbers) {
    return put_table(which, {reinterpret_cast<const char*>(numbers.data()), numbers.size() * 8});
  }

  void sort_pairs() {
    std::sort(pairs.begin(), pairs.end(), [this](const label_pair& a, const label_pair& b) {
      if (a.name != b.name)
        return symbols.at(a.name) < symbols.at(b.name);
      return symbols.at(a.value) < symbols.at(b.value);
    });
  }

  // The tables labels, values and postings.
  status put_pairs() {
    std::string labels_table, values_table, postings;
    for (size_t i = 0; i < pairs.size();) {
      size_t end = i;
      for (; end < pairs.size() && pairs[end].name == pairs[i].name; ++end) {
        put_u32(values_table, pairs[end].value);
        put_u32(values_table, static_cast<uint32_t>(pairs[end].series.size()));
        put_u64(values_table, postings.size());
        put_postings(pairs[end].series, postings);
      }
      put_u32(labels_table, pairs[i].name);
      put_u32(labels_table, static_cast<uint32_t>(i));
      put_u32(labels_table, static_cast<uint32_t>(end - i));
      i = end;
    }
    TROUPE_TRY(put_table(index_layout::table_labels, labels_table));
    TROUPE_TRY(put_table(index_layout::table_values, values_table));
    return put_table(index_layout::table_postings, postings);
  }

  std::unique_ptr<writable_file> file;
  const uint32_t seed;
  uint64_t written = 0;
  std::string buffer;
  std::string toc;
  uint64_t series = 0;
  std::string group;                      // the records of the series since the last one
  series_record_state state;              // behind them
  std::vector<symbol_pair> symbol_pairs;  // of the series being added
  std::vector<uint64_t> offsets;          // of the groups
  labels last;
  symbol_collector symbols;
  std::unordered_map<uint64_t, size_t> pair_ids;  // (name, value) -> pairs; looked up only
  std::vector<label_pair> pairs;
};

index_writer::index_writer(std::unique_ptr<writable_file> file, uint32_t seed)
    : impl_(std::make_unique<impl>(std::move(file), seed)) {}

index_writer::~index_writer() = default;

status index_writer::add(const labels& series, std::span<const chunk_ref> chunks,
                         std::string_view statistics) {
  impl& w = *impl_;
  TROUPE_CHECK(w.series == 0 || w.last < series);
  if (w.series >= std::numeric_limits<series_ref>::max())
    return {errc::resource_exhausted, "index: too many series"};
  if (w.series % index_layout::group_series == 0) {
    w.end_group();
    w.offsets.push_back(w.written + w.buffer.size() - index_layout::header_bytes);
  }
  const auto ref = static_cast<series_ref>(w.series++);
  w.last = series;
  w.symbol_pairs.clear();
  for (const auto& label : series) {
    const uint32_t name = w.symbols.intern(label.name), value = w.symbols.intern(label.value);
    w.symbol_pairs.emplace_back(name, value);
    w.note_pair(name, value, ref);
  }
  put_series_record(w.symbol_pairs, chunks, statistics, w.state, w.group);
  return w.buffer.size() >= buffer_bytes ? w.flush() : status();
}

status index_writer::finish() {
  impl& w = *impl_;
  w.end_group();
  TROUPE_TRY(w.flush());
  // The records carry their own checksums.
  put_u64(w.toc, index_layout::header_bytes);
  put_u64(w.toc, w.written - index_layout::header_bytes);
  put_u32(w.toc, 0);
  std::vector<uint64_t> places{w.series};
  places.insert(places.end(), w.offsets.begin(), w.offsets.end());
  TROUPE_TRY(w.put_numbers(index_layout::table_offsets, places));
  TROUPE_TRY(w.put_table(index_layout::table_symbols, w.symbols.bytes()));
  TROUPE_TRY(w.put_numbers(index_layout::table_symbol_offsets, w.symbols.offsets()));
  w.sort_pairs();
  TROUPE_TRY(w.put_pairs());
  std::string footer = w.toc;
  put_u32(footer, index_layout::checksum(w.toc, w.seed, index_layout::table_count));
  put_u32(footer, index_layout::magic);
  TROUPE_TRY(w.file->append(footer));
  TROUPE_TRY(w.file->sync());
  return w.file->close();
}

uint64_t index_writer::label_pairs() const {
  return impl_->pairs.size();
}

}  // namespace troupe::storage
