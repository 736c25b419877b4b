// Answers of a query API from anywhere: refused, or series that are the same again when they are
// written as an answer.
#include "pipeline/client/api_answer.h"
#include "query/result_json.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace troupe;

void check(bool holds) {
  if (!holds)
    std::abort();
}

void check_equal(const query::matrix_value& a, const query::matrix_value& b) {
  check(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    check(a[i].metric == b[i].metric && a[i].floats.size() == b[i].floats.size());
    for (size_t k = 0; k < a[i].floats.size(); ++k) {
      check(a[i].floats[k].ts == b[i].floats[k].ts);
      check(std::bit_cast<uint64_t>(a[i].floats[k].value) ==
            std::bit_cast<uint64_t>(b[i].floats[k].value));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)client::parse_matrix(text).ok();
  const auto got = client::parse_query_answer(text, {.max_points = 1000});
  if (!got.ok())
    return 0;
  check(!got->failed || got->series.empty());
  check(!got->has_histograms || got->series.empty());
  std::string written = R"({"status":"success","data":)";
  query::append_result_json(written, query::query_value(got->series));
  written += '}';
  const auto again = client::parse_query_answer(written);
  check(again.ok());
  check_equal(again->series, got->series);
  return 0;
}
