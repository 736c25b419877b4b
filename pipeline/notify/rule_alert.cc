#include "pipeline/notify/rule_alert.h"

#include "pipeline/template/escape.h"

namespace troupe::notify {

std::vector<alert_ptr> alerts_of_rules(const std::vector<rules::outgoing_alert>& from,
                                       std::string_view external_url) {
  std::vector<alert_ptr> out;
  out.reserve(from.size());
  for (const auto& a : from) {
    auto made = std::make_shared<alert>();
    made->identity = a.lset;
    made->annotations = a.annotations;
    made->starts_at = a.starts_at;
    made->ends_at = a.ends_at;
    made->generator_url = std::string(external_url)
                              .append("/graph?g0.expr=")
                              .append(templates::query_escaped(a.expr))
                              .append("&g0.tab=1");
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace troupe::notify
