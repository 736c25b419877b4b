// Any bytes as a file of rule unit tests: errors or tests, whose input series and expected samples
// are errors or values.
#include "config/rule_test_file.h"
#include "pipeline/ruletest/expectations.h"
#include "pipeline/ruletest/test_input.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  config::diagnostics errors;
  const auto file = config::parse_rule_test_file(
      std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.yml", errors);
  if (!errors.empty())
    return 0;
  for (const auto& test : file.tests) {
    size_t bytes = 0;
    for (const auto& s : test.input)
      bytes += s.values.find_first_of("xX") == std::string::npos ? 0 : s.values.size();
    // Repetitions multiply: a series may have a million values.
    if (bytes < 64)
      if (auto input = rules::test_input::parse(test, 0); input.ok())
        (void)input->until(0);
    for (const auto& t : test.alerts)
      (void)rules::compare_alerts(t, {});
    for (const auto& t : test.expressions)
      (void)rules::compare_samples(t, {}, file.fuzzy_compare);
  }
  return 0;
}
