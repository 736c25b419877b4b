// The packed and entropy-coded forms of a value column: doubles as scaled integers, those that are
// none (NaN, -0, infinities, too many digits) beside them as exceptions. One owner.
#pragma once

#include "storage/base/coding.h"
#include "storage/chunk/entropy_column.h"
#include "storage/chunk/integer_column.h"
#include "storage/chunk/value_column.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

/// Values as integers of one scale, and how to write those.
class packed_values {
 public:
  /// As integers or decimals; false if more than a sixteenth (and more than one) are neither.
  bool plan_decimals(std::span<const double> values);
  /// As bits: always possible.
  void plan_bits(std::span<const double> values);
  /// After a plan: entropy-coded if that is shorter.
  void try_entropy();
  /// After a plan: the form, what encode appends, and that.
  value_form form() const;
  size_t bytes() const;
  /// How many values differ from the one before, about.
  size_t changes() const { return plan_->changes(); }
  void encode(std::string& out);

 private:
  struct exception {
    size_t row = 0;
    uint64_t bits = 0;
  };
  enum class outcome { done, raised, failed };
  outcome convert(std::span<const double> values);
  outcome reject(double value, size_t row);
  void fill_exceptions();
  void make_plan();

  value_scale scale_ = 0;
  size_t allowed_ = 0;  // exceptions
  double culprit_ = 0;  // the value that made convert fail
  integer_rows rows_;
  std::vector<exception> exceptions_;
  std::optional<integer_plan> plan_;
  entropy_encoder entropy_;
  std::string entropy_bytes_;  // empty: packed
};

/// As decode_values (value_column.h) for the forms of scaled integers.
bool decode_scaled(byte_reader& in, value_form form, size_t count, size_t from,
                   std::span<double> rows);

}  // namespace troupe::storage
