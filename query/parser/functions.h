// The table of PromQL functions: names, argument and result types. Static, any thread. What they
// compute is query/engine's matter.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::query {

enum class value_type : uint8_t { none, scalar, string, vector, matrix };
/// "scalar", "instant vector" and so on, as error messages name them.
std::string_view document_name(value_type type);
/// "scalar", "vector", "matrix", "string", "none": the resultType of the API.
std::string_view to_string(value_type type);

struct function_signature {
  std::string_view name;
  value_type result = value_type::vector;
  uint8_t arg_count = 0;  ///< how many of `args` are declared
  value_type args[5] = {};
  /// 0: exactly arg_count arguments. > 0: from arg_count - 1 to arg_count - 1 + variadic. -1: at
  /// least arg_count - 1. Arguments beyond the declared ones have the type of the last.
  int8_t variadic = 0;
  bool experimental = false;
  uint16_t id = 0;  ///< position in functions(), dense from 0

  std::span<const value_type> arg_types() const { return {args, arg_count}; }
};

/// All, sorted by name.
std::span<const function_signature> functions();
/// Null if there is none.
const function_signature* find_function(std::string_view name);

}  // namespace troupe::query
