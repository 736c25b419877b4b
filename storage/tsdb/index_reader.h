// The file index of Prometheus' blocks, versions 1 and 2 (tsdb/docs/format/index.md): the series of
// a block in label order with their chunks. Immutable after open; the bytes must outlive it. Every
// section read is verified by its checksum; nothing in the bytes is trusted beyond it.
#pragma once

#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage::tsdb {

/// A chunk of a series: its time, both ends included, and its place: number of the file from 0 in
/// the upper, offset in it in the lower half.
struct chunk_meta {
  timestamp_ms min_ts = 0;
  timestamp_ms max_ts = 0;
  uint64_t place = 0;
};

class index_reader {
 public:
  /// `ignore` is for fuzzing the decoders behind the checksums.
  enum class checksums : unsigned char { verify, ignore };

  /// corruption or unsupported, with `file` and the offset. Keeps 16 bytes a symbol and 4 a series.
  static result<index_reader> open(std::string_view bytes, std::string file,
                                   checksums mode = checksums::verify);

  /// The numbers of all series, in label order.
  const std::vector<uint32_t>& series() const { return series_; }
  /// The series of a number. `out` may be null. corruption with the place.
  status read(uint32_t number, labels* out, std::vector<chunk_meta>& chunks) const;
  uint64_t offset_of(uint32_t number) const;

 private:
  index_reader(std::string_view bytes, std::string file, checksums mode)
      : bytes_(bytes), file_(std::move(file)), mode_(mode) {}
  status load();
  status load_symbols(uint64_t offset);
  status load_series(uint64_t postings_table);
  result<std::string_view> section(uint64_t offset, std::string_view what) const;
  result<std::string_view> symbol(uint64_t ref) const;
  status corrupt(uint64_t offset, std::string_view what) const;
  uint64_t place_of(const char* p) const { return static_cast<uint64_t>(p - bytes_.data()); }

  std::string_view bytes_;
  std::string file_;
  checksums mode_;
  uint8_t version_ = 0;
  std::vector<std::string_view> symbols_;           ///< version 2: by number
  uint64_t first_symbol_ = 0, end_of_symbols_ = 0;  ///< version 1: by offset in the file
  std::vector<uint32_t> series_;
};

}  // namespace troupe::storage::tsdb
