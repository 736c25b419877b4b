#include "pipeline/rules/go_templates.h"

#include "pipeline/template/template.h"

#include <utility>
#include <vector>

namespace troupe::rules {
namespace {

templates::value value_of(const query::vector_element& e) {
  if (e.histogram)
    return templates::value(templates::value::storage(e.histogram));
  return templates::value::of(e.value);
}

labels labels_of(const text_map& from) {
  labels_builder b;
  for (const auto& [name, value] : from)
    b.set(name, value);
  return b.build();
}

}  // namespace

result<std::string> go_templates::expand(std::string_view text, const template_scope& scope,
                                         query_door& queries) const {
  TROUPE_ASSIGN(const auto parsed, templates::alert_template::parse(scope.alert, text));
  templates::environment env;
  env.now = scope.instant;
  env.external_url = external_url_;
  env.path_prefix = path_prefix_;
  env.query = [&queries](std::string_view promql,
                         timestamp_ms at) -> result<std::vector<templates::sample>> {
    TROUPE_ASSIGN(const auto found, queries.evaluate(promql, at));
    std::vector<templates::sample> out;
    out.reserve(found.size());
    for (const auto& e : found)
      out.push_back({e.metric, value_of(e)});
    return out;
  };
  const templates::alert_data data{scope.element.metric, labels_of(scope.external_labels),
                                   std::string(scope.external_url), value_of(scope.element)};
  return parsed.expand(data, env);
}

status go_templates::check(std::string_view text, std::string_view alert) const {
  return templates::alert_template::parse(alert, text).error();
}

}  // namespace troupe::rules
