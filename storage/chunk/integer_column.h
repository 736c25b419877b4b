// A packed column of 64-bit integers: residuals of a simple prediction in blocks of 64 rows, each
// with the bits that most of its rows need and patches for the others. Values and timestamps use it
// (storage/docs/chunk_format.md). All arithmetic is modulo 2^64. One owner.
#pragma once

#include "storage/base/coding.h"
#include "storage/chunk/column_form.h"
#include "storage/chunk/kernels.h"

#include <string>
#include <vector>

namespace troupe::storage {

/// Rows with the room around them that the kernels need. Can be used again.
class integer_rows {
 public:
  /// `count` at least 1; the rows are arbitrary at first.
  void resize(size_t count) {
    count_ = count;
    cells_.resize(front + (count + block_rows - 1) / block_rows * block_rows);
  }
  size_t count() const { return count_; }
  uint64_t* data() { return cells_.data() + front; }
  const uint64_t* data() const { return cells_.data() + front; }

 private:
  static constexpr size_t front = 2;
  std::vector<uint64_t> cells_;
  size_t count_ = 0;
};

/// The shortest way to write `rows` among those tried. The rows are changed and must live on.
class integer_plan {
 public:
  explicit integer_plan(integer_rows& rows);
  /// What encode appends.
  size_t bytes() const { return best_.bytes; }
  /// How many rows differ from the one before.
  size_t changes() const { return survey_.changes; }
  /// The integers are offset() + factor() * row now.
  uint64_t offset() const { return factor_ == 1 ? 0 : first_; }
  uint64_t factor() const { return factor_; }
  void encode(uint8_t tag, std::string& out);

 private:
  struct candidate {
    packed_order order = packed_order::delta;
    uint64_t slope = 0;  ///< direct: the row subtracted from all
    size_t bytes = 0;
  };
  void find_factor();
  void divide();
  int64_t typical_row() const;
  int64_t typical_difference() const;
  void prepare(const candidate& c);
  void consider(packed_order order, uint64_t slope);
  uint64_t base(const candidate& c) const;

  integer_rows& rows_;  // with a factor: (row - first row) / factor
  column_survey survey_;
  uint64_t first_ = 0;
  uint64_t factor_ = 1;  // of all differences
  candidate best_;
};

/// Reads a column block by block.
class integer_decoder {
 public:
  /// Reads what lies before the blocks. False if the bytes do not hold.
  bool open(byte_reader& in, size_t count);
  uint8_t tag() const { return tag_; }
  /// The next 64 rows; those behind the count are arbitrary. False if the bytes do not hold.
  bool next(uint64_t* rows);
  /// Passes over the next block; after it only more of this may follow.
  bool skip();

 private:
  struct block {
    size_t rows = 0;
    unsigned width = 0;
    unsigned high = 0;  ///< bits a patch adds
    std::string_view positions, highs, packed;
  };
  bool read(block& b);

  byte_reader* in_ = nullptr;
  size_t left_ = 0;  // rows not yet passed
  uint8_t tag_ = 0;
  restore_rule rule_;
  restore_state state_;
};

}  // namespace troupe::storage
