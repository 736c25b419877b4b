// Writes the index of one of Prometheus' blocks, version 2 (tsdb/docs/format/index.md): symbols
// first, then series in label order, then what finish() knows. Keeps in memory the symbols and 4
// bytes for each label of each series. One owner.
#pragma once

#include "storage/base/file_system.h"
#include "storage/model/labels.h"
#include "storage/tsdb/index_reader.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::storage::tsdb {

class index_writer {
 public:
  explicit index_writer(std::unique_ptr<writable_file> file) : file_(std::move(file)) {}

  /// All names and values of the series to come, sorted, each once.
  status begin(std::vector<std::string> symbols);
  /// In label order; chunks by time. out_of_bounds for an index of more than 64 GiB, where
  /// references end.
  status add(const labels& series, std::span<const chunk_meta> chunks);
  /// Writes the rest, syncs and closes the file.
  status finish();

 private:
  status append(std::string_view bytes);
  status append_section(std::string_view body);
  status pad(uint64_t alignment);
  status write_postings(std::span<const uint32_t> refs, std::string_view name,
                        std::string_view value);
  uint32_t symbol(std::string_view text) const { return numbers_.at(text); }

  std::unique_ptr<writable_file> file_;
  uint64_t position_ = 0;
  std::string buffer_;
  std::vector<std::string> symbols_;
  std::unordered_map<std::string_view, uint32_t> numbers_;
  uint64_t symbols_at_ = 0, series_at_ = 0;
  std::vector<uint32_t> all_;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> postings_;  ///< by pair of symbols
  std::string table_;  ///< entries of the postings table
  uint32_t table_entries_ = 0;
};

}  // namespace troupe::storage::tsdb
