// Reads a block's index file. Immutable after open, any thread; the bytes must outlive the reader.
// Tables are verified at open, a series' own record when it is read: damage to one record costs
// that series alone.
#pragma once

#include "storage/index/index_writer.h"
#include "storage/index/resolve.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

/// Where a reader stands in the records: series in ascending order cost one record each.
class series_cursor {
 private:
  friend class index_reader;
  uint32_t next_ = 0;
  uint32_t end_ = 0;  // of the group; next_ where there is none
  byte_reader records_{std::string_view()};
  series_record_state state_;
  std::vector<chunk_ref> chunks_;
};

class index_reader final : public postings_source {
 public:
  /// `ignore` is for fuzzing the decoders behind the checksums.
  enum class checksums : unsigned char { verify, ignore };

  /// corruption if a table is damaged or `seed` is not the writer's; unsupported for another
  /// version.
  static result<std::unique_ptr<index_reader>> open(std::string_view data, uint32_t seed,
                                                    checksums mode = checksums::verify);

  uint32_t series_count() const;
  /// corruption if the record of `ref`, or its group, is damaged. `chunks` may be null.
  /// `statistics` (may be null) becomes what the writer was given, valid as long as the bytes.
  /// `cursor` (may be null) is this reader's alone.
  status series(series_ref ref, labels& out, std::vector<chunk_ref>* chunks,
                std::string_view* statistics = nullptr, series_cursor* cursor = nullptr) const;
  /// As memory_index: sorted, unique, of the series that match, limit 0: no limit.
  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit) const;
  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit) const;

  // --- the tables as they are, for checks and statistics ---
  /// A label name and its pairs, which have the numbers first_pair, first_pair + 1, …
  struct label_group {
    std::string_view name;
    uint32_t first_pair = 0;
    uint32_t pairs = 0;
  };
  /// A value of a label name.
  struct label_pair_entry {
    std::string_view value;
    uint32_t series = 0;
  };
  uint32_t label_count() const;
  label_group label_at(uint32_t index) const;
  uint32_t pair_count() const;
  label_pair_entry pair_at(uint32_t number) const;
  std::optional<uint32_t> find_pair(std::string_view name, std::string_view value) const;
  /// The series that have a pair; corruption if the list does not hold.
  result<postings_ptr> pair_postings(uint32_t number) const;
  /// Where the record of `ref`, or its group, begins in the file.
  uint64_t record_offset(series_ref ref) const;
  /// Verifies the tables again, as open() did; corruption.
  status check_tables() const;

  postings_ptr all() const override;
  result<postings_ptr> lookup(std::string_view name, std::string_view value) const override;
  result<std::vector<postings_ptr>> collect(const matcher& m, bool wanted) const override;

 private:
  struct label_entry;
  struct value_entry;

  index_reader(std::string_view data, uint32_t seed, checksums mode);
  status load();
  result<std::string_view> section(std::string_view toc, size_t which) const;
  std::string_view symbol(uint32_t id) const;
  bool flat() const;
  status read_flat(series_ref ref, std::vector<symbol_pair>& pairs, std::vector<chunk_ref>& chunks,
                   std::string_view& statistics) const;
  status enter_group(uint32_t group, series_cursor& cursor) const;
  status read_grouped(series_ref ref, series_cursor& cursor, std::string_view& statistics) const;
  result<std::string_view> checked_body(size_t place, uint32_t number) const;
  label_entry label_entry_at(uint32_t index) const;
  value_entry value_at(uint32_t index) const;
  bool find_label(std::string_view name, label_entry& out) const;
  std::optional<uint32_t> find_value(const label_entry& label, std::string_view value) const;
  result<postings_ptr> read_postings(const value_entry& value) const;

  std::string_view data_;
  uint32_t seed_;
  checksums mode_;
  uint32_t version_ = 0;
  uint32_t series_count_ = 0;
  std::string_view records_, offsets_, symbols_, symbol_offsets_, labels_, values_, postings_;
};

}  // namespace troupe::storage
