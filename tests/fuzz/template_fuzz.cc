// Any bytes as an alert's template: an error, or a text within the limits; twice the same.
#include "pipeline/template/template.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace {

using namespace troupe;
using namespace troupe::templates;

constexpr size_t output_bytes = 1 << 14;

environment make_environment() {
  environment env;
  env.now = 1'700'000'000'000;
  env.external_url = "http://example.com/base";
  env.path_prefix = "/base";
  env.limits = {output_bytes, 1 << 18, 20'000, 300};
  env.query = [](std::string_view promql,
                 timestamp_ms at) -> result<std::vector<templates::sample>> {
    if (promql.empty())
      return {errc::invalid_argument, "no expression found in input"};
    std::vector<templates::sample> out;
    for (size_t i = 0; i < promql.size() % 5; ++i)
      out.push_back({labels::from({{"instance", std::to_string(i)}, {"q", std::string(promql)}}),
                     value::of(static_cast<double>(at) / static_cast<double>(i))});
    return out;
  };
  return env;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto env = make_environment();
  static const alert_data alert{labels::from({{"instance", "web-1:9100"}, {"job", "node"}}),
                                labels::from({{"region", "eu"}}), "http://example.com/base",
                                value::of(1234.5678)};
  const auto parsed =
      alert_template::parse("A", std::string_view(reinterpret_cast<const char*>(data), size));
  if (!parsed.ok())
    return 0;
  const auto text = parsed->expand_or_explain(alert, env);
  if (parsed->expand(alert, env).ok() && text.size() > output_bytes + size)
    std::abort();
  if (parsed->expand_or_explain(alert, env) != text)
    std::abort();
  return 0;
}
