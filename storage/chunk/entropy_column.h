// An entropy-coded column of 64-bit integers: residuals of a simple prediction, the sizes of which
// are coded by their odds over the whole column. Shorter than a packed column and slower to read,
// always from its front (storage/docs/chunk_format.md). All arithmetic is modulo 2^64. One owner.
#pragma once

#include "storage/base/coding.h"
#include "storage/chunk/bit_string.h"
#include "storage/chunk/integer_column.h"
#include "storage/chunk/kernels.h"
#include "storage/chunk/rans.h"

#include <array>
#include <string>
#include <vector>

namespace troupe::storage {

/// Writes columns; keeps its memory from one to the next.
class entropy_encoder {
 public:
  /// Appends the integers offset + factor * row.
  void encode(const integer_rows& rows, uint64_t offset, uint64_t factor, uint8_t tag,
              std::string& out);

 private:
  struct prediction {
    packed_order order = packed_order::sloped;
    uint64_t slope = 0;  ///< direct: the row subtracted from all
  };
  prediction choose(const integer_rows& rows) const;
  void take_residuals(const integer_rows& rows, const prediction& p);
  uint64_t divide_residuals();

  std::vector<uint64_t> residuals_;  // zigzag
  std::vector<uint8_t> symbols_;
  std::string symbol_bytes_, bits_;
};

/// Reads a column block by block, as integer_decoder does.
class entropy_decoder {
 public:
  /// False if the bytes do not hold. Moves `in` behind the column.
  bool open(byte_reader& in, size_t count);
  uint8_t tag() const { return tag_; }
  /// The next 64 rows; those behind the count are arbitrary. False if the bytes do not hold.
  bool next(uint64_t* rows);
  /// After it only more of this may follow.
  bool skip() { return true; }

 private:
  void set_slope(uint64_t slope);

  size_t left_ = 0;  // rows not yet passed
  uint8_t tag_ = 0;
  restore_rule rule_;
  restore_state state_;
  uint64_t slope_ = 0;  // what each row gets beside what the rule gives
  uint64_t rise_ = 0;   // what the next row has of it
  symbol_decoder symbols_;
  bit_source bits_;
};

}  // namespace troupe::storage
