#include "pipeline/template/fields.h"

namespace troupe::templates {
namespace {

using type = value::type;

std::optional<value> field_of_sample(const sample& s, std::string_view name) {
  if (name == "Labels")
    return value(value::storage(s.metric));
  if (name == "Value")
    return s.number.boxed();
  return std::nullopt;
}

std::optional<value> field_of_data(const alert_data& d, std::string_view name) {
  if (name == "Labels")
    return value(value::storage(d.labels));
  if (name == "ExternalLabels")
    return value(value::storage(d.external_labels));
  if (name == "ExternalURL")
    return value::of(d.external_url);
  if (name == "Value")
    return d.number.boxed();
  return std::nullopt;
}

}  // namespace

std::optional<value> find_field(const value& v, std::string_view name) {
  switch (v.kind()) {
    case type::labels:
      return value::of(std::string(v.as<labels>().get(name)));
    case type::map: {
      const auto& entries = v.as<map_ptr>()->entries;
      const auto it = entries.find(name);
      return it == entries.end() ? value(value::storage(nil_interface{})) : it->second.boxed();
    }
    case type::sample:
      return v.as<sample_ptr>() ? field_of_sample(*v.as<sample_ptr>(), name) : std::nullopt;
    case type::data:
      return field_of_data(*v.as<data_ptr>(), name);
    default:
      return std::nullopt;
  }
}

bool is_map(const value& v) {
  return v.is(type::labels) || v.is(type::map);
}

}  // namespace troupe::templates
