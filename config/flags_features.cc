#include "config/flags_features.h"

#include "config/flag_table.h"

#include <algorithm>

namespace troupe::config {

status apply_features(const std::vector<std::string>& given, command_line& out) {
  for (const auto& list : given) {
    for (size_t i = 0; i <= list.size();) {
      const auto end = std::min(list.find(',', i), list.size());
      const auto name = list.substr(i, end - i);
      i = end + 1;
      if (name.empty())
        continue;
      const auto all = feature_table();
      const auto f =
          std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.name == name; });
      if (f == all.end())
        out.warnings.push_back("unknown option for --enable-feature: " + name);
      else if (f->state == feature_state::acts)
        out.server.features.*f->field = true;
      else if (f->state == feature_state::inert)
        out.inert.push_back("enable-feature=" + name);
    }
  }
  const auto& f = out.server.features;
  if (f.otlp_deltatocumulative && f.otlp_native_delta_ingestion)
    return {errc::invalid_argument,
            "cannot enable otlp-deltatocumulative and otlp-native-delta-ingestion features at the "
            "same time"};
  return ok_status();
}

}  // namespace troupe::config
