// The first byte of a column of integers, packed or entropy coded (storage/docs/chunk_format.md):
// the tag, the order, whether a factor follows.
#pragma once

#include "storage/chunk/kernels.h"

#include <cstdint>

namespace troupe::storage {

/// The tag is five bits that the column's user defines.
inline constexpr uint8_t max_integer_tag = 31;

struct column_form {
  uint8_t tag = 0;
  packed_order order = packed_order::direct;
  bool has_factor = false;

  static column_form of(uint8_t byte) {
    return {static_cast<uint8_t>(byte & max_integer_tag),
            static_cast<packed_order>(byte >> order_shift & 3), (byte & factor_flag) != 0};
  }
  uint8_t byte() const {
    return static_cast<uint8_t>(tag | static_cast<uint8_t>(order) << order_shift |
                                (has_factor ? factor_flag : 0));
  }

 private:
  static constexpr unsigned order_shift = 5;
  static constexpr uint8_t factor_flag = 0x80;
};

}  // namespace troupe::storage
