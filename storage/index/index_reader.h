// Reads a block's index file. Immutable after open, any thread; the bytes must outlive the reader.
// Tables are verified at open, a series' own record when it is read: damage to one record costs
// that series alone.
#pragma once

#include "storage/index/index_writer.h"
#include "storage/index/resolve.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

class index_reader final : public postings_source {
 public:
  /// `ignore` is for fuzzing the decoders behind the checksums.
  enum class checksums : unsigned char { verify, ignore };

  /// corruption if a table is damaged or `seed` is not the writer's; unsupported for another
  /// version.
  static result<std::unique_ptr<index_reader>> open(std::string_view data, uint32_t seed,
                                                    checksums mode = checksums::verify);

  uint32_t series_count() const;
  /// corruption if the record of `ref` is damaged. `chunks` may be null.
  status series(series_ref ref, labels& out, std::vector<chunk_ref>* chunks) const;
  /// As memory_index: sorted, unique, of the series that match, limit 0: no limit.
  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit) const;
  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit) const;

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
  label_entry label_at(uint32_t index) const;
  value_entry value_at(uint32_t index) const;
  bool find_label(std::string_view name, label_entry& out) const;
  result<postings_ptr> read_postings(const value_entry& value) const;

  std::string_view data_;
  uint32_t seed_;
  checksums mode_;
  std::string_view records_, offsets_, symbols_, symbol_offsets_, labels_, values_, postings_;
};

}  // namespace troupe::storage
