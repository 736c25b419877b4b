#include "query/parser/functions.h"

#include <algorithm>
#include <array>

namespace troupe::query {
namespace {

using enum value_type;

constexpr std::array<function_signature, 90> table{{
    {"abs", vector, 1, {vector}, 0, false, 0},
    {"absent", vector, 1, {vector}, 0, false, 1},
    {"absent_over_time", vector, 1, {matrix}, 0, false, 2},
    {"acos", vector, 1, {vector}, 0, false, 3},
    {"acosh", vector, 1, {vector}, 0, false, 4},
    {"asin", vector, 1, {vector}, 0, false, 5},
    {"asinh", vector, 1, {vector}, 0, false, 6},
    {"atan", vector, 1, {vector}, 0, false, 7},
    {"atanh", vector, 1, {vector}, 0, false, 8},
    {"avg_over_time", vector, 1, {matrix}, 0, false, 9},
    {"ceil", vector, 1, {vector}, 0, false, 10},
    {"changes", vector, 1, {matrix}, 0, false, 11},
    {"clamp", vector, 3, {vector, scalar, scalar}, 0, false, 12},
    {"clamp_max", vector, 2, {vector, scalar}, 0, false, 13},
    {"clamp_min", vector, 2, {vector, scalar}, 0, false, 14},
    {"cos", vector, 1, {vector}, 0, false, 15},
    {"cosh", vector, 1, {vector}, 0, false, 16},
    {"count_over_time", vector, 1, {matrix}, 0, false, 17},
    {"day_of_month", vector, 1, {vector}, 1, false, 18},
    {"day_of_week", vector, 1, {vector}, 1, false, 19},
    {"day_of_year", vector, 1, {vector}, 1, false, 20},
    {"days_in_month", vector, 1, {vector}, 1, false, 21},
    {"deg", vector, 1, {vector}, 0, false, 22},
    {"delta", vector, 1, {matrix}, 0, false, 23},
    {"deriv", vector, 1, {matrix}, 0, false, 24},
    {"double_exponential_smoothing", vector, 3, {matrix, scalar, scalar}, 0, true, 25},
    {"end", scalar, 0, {}, 0, true, 26},
    {"exp", vector, 1, {vector}, 0, false, 27},
    {"first_over_time", vector, 1, {matrix}, 0, false, 28},
    {"floor", vector, 1, {vector}, 0, false, 29},
    {"histogram_avg", vector, 1, {vector}, 0, false, 30},
    {"histogram_count", vector, 1, {vector}, 0, false, 31},
    {"histogram_fraction", vector, 3, {scalar, scalar, vector}, 0, false, 32},
    {"histogram_quantile", vector, 2, {scalar, vector}, 0, false, 33},
    {"histogram_quantiles", vector, 4, {vector, string, scalar, scalar}, 9, true, 34},
    {"histogram_stddev", vector, 1, {vector}, 0, false, 35},
    {"histogram_stdvar", vector, 1, {vector}, 0, false, 36},
    {"histogram_sum", vector, 1, {vector}, 0, false, 37},
    {"hour", vector, 1, {vector}, 1, false, 38},
    {"idelta", vector, 1, {matrix}, 0, false, 39},
    {"increase", vector, 1, {matrix}, 0, false, 40},
    {"info", vector, 2, {vector, vector}, 1, true, 41},
    {"irate", vector, 1, {matrix}, 0, false, 42},
    {"label_join", vector, 4, {vector, string, string, string}, -1, false, 43},
    {"label_replace", vector, 5, {vector, string, string, string, string}, 0, false, 44},
    {"last_over_time", vector, 1, {matrix}, 0, false, 45},
    {"ln", vector, 1, {vector}, 0, false, 46},
    {"log10", vector, 1, {vector}, 0, false, 47},
    {"log2", vector, 1, {vector}, 0, false, 48},
    {"mad_over_time", vector, 1, {matrix}, 0, true, 49},
    {"max_of", scalar, 2, {scalar, scalar}, 0, true, 50},
    {"max_over_time", vector, 1, {matrix}, 0, false, 51},
    {"min_of", scalar, 2, {scalar, scalar}, 0, true, 52},
    {"min_over_time", vector, 1, {matrix}, 0, false, 53},
    {"minute", vector, 1, {vector}, 1, false, 54},
    {"month", vector, 1, {vector}, 1, false, 55},
    {"pi", scalar, 0, {}, 0, false, 56},
    {"predict_linear", vector, 2, {matrix, scalar}, 0, false, 57},
    {"present_over_time", vector, 1, {matrix}, 0, false, 58},
    {"quantile_over_time", vector, 2, {scalar, matrix}, 0, false, 59},
    {"rad", vector, 1, {vector}, 0, false, 60},
    {"range", scalar, 0, {}, 0, true, 61},
    {"rate", vector, 1, {matrix}, 0, false, 62},
    {"resets", vector, 1, {matrix}, 0, false, 63},
    {"round", vector, 2, {vector, scalar}, 1, false, 64},
    {"scalar", scalar, 1, {vector}, 0, false, 65},
    {"sgn", vector, 1, {vector}, 0, false, 66},
    {"sin", vector, 1, {vector}, 0, false, 67},
    {"sinh", vector, 1, {vector}, 0, false, 68},
    {"sort", vector, 1, {vector}, 0, false, 69},
    {"sort_by_label", vector, 2, {vector, string}, -1, true, 70},
    {"sort_by_label_desc", vector, 2, {vector, string}, -1, true, 71},
    {"sort_desc", vector, 1, {vector}, 0, false, 72},
    {"sqrt", vector, 1, {vector}, 0, false, 73},
    {"start", scalar, 0, {}, 0, true, 74},
    {"start_timestamp", vector, 1, {vector}, 0, true, 75},
    {"stddev_over_time", vector, 1, {matrix}, 0, false, 76},
    {"stdvar_over_time", vector, 1, {matrix}, 0, false, 77},
    {"step", scalar, 0, {}, 0, true, 78},
    {"sum_over_time", vector, 1, {matrix}, 0, false, 79},
    {"tan", vector, 1, {vector}, 0, false, 80},
    {"tanh", vector, 1, {vector}, 0, false, 81},
    {"time", scalar, 0, {}, 0, false, 82},
    {"timestamp", vector, 1, {vector}, 0, false, 83},
    {"ts_of_first_over_time", vector, 1, {matrix}, 0, true, 84},
    {"ts_of_last_over_time", vector, 1, {matrix}, 0, true, 85},
    {"ts_of_max_over_time", vector, 1, {matrix}, 0, true, 86},
    {"ts_of_min_over_time", vector, 1, {matrix}, 0, true, 87},
    {"vector", vector, 1, {scalar}, 0, false, 88},
    {"year", vector, 1, {vector}, 1, false, 89},
}};

constexpr bool table_is_in_order() {
  for (size_t i = 0; i < table.size(); ++i)
    if (table[i].id != i || (i > 0 && table[i - 1].name >= table[i].name))
      return false;
  return true;
}
static_assert(table_is_in_order());

}  // namespace

std::string_view document_name(value_type type) {
  switch (type) {
    case scalar:
      return "scalar";
    case string:
      return "string";
    case vector:
      return "instant vector";
    case matrix:
      return "range vector";
    case none:
      break;
  }
  return "none";
}

std::string_view to_string(value_type type) {
  switch (type) {
    case scalar:
      return "scalar";
    case string:
      return "string";
    case vector:
      return "vector";
    case matrix:
      return "matrix";
    case none:
      break;
  }
  return "none";
}

std::span<const function_signature> functions() {
  return table;
}

const function_signature* find_function(std::string_view name) {
  const auto it = std::lower_bound(table.begin(), table.end(), name,
                                   [](const auto& f, auto n) { return f.name < n; });
  return it != table.end() && it->name == name ? &*it : nullptr;
}

}  // namespace troupe::query
