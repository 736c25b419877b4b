#include "pipeline/template/functions.h"

#include <array>
#include <map>

namespace troupe::templates {

std::string_view type_name(param p) {
  constexpr std::array<std::string_view, 7> names{
      "interface {}",         "reflect.Value", "string",       "*template.sample",
      "template.queryResult", "time.Time",     "time.Duration"};
  return names[static_cast<size_t>(p)];
}

const function* find_function(std::string_view name) {
  static const auto all = [] {
    std::map<std::string_view, const function*> out;
    for (const auto functions : {builtin_functions(), prometheus_functions()})
      for (const auto& f : functions)
        out.emplace(f.name, &f);
    return out;
  }();
  const auto it = all.find(name);
  return it == all.end() ? nullptr : it->second;
}

}  // namespace troupe::templates
