// Number and character constants of templates. Pure, any thread.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <string_view>

namespace troupe::templates {

struct number_constant {
  enum class type : uint8_t { integer, floating, too_large };
  type kind = type::integer;  ///< too_large: an integer that only fits into uint64
  int64_t integer = 0;
  double floating = 0;
};

/// Go's syntax: 12, -0x1F, 0b11, 1_000, 1.5, 1e3, 0x1p-2. invalid_argument in Go's words; complex
/// numbers are unsupported.
result<number_constant> parse_constant(std::string_view text);
/// 'a', '\n', '\u00e4'.
result<number_constant> parse_character(std::string_view text);

}  // namespace troupe::templates
