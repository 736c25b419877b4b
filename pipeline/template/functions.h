// The functions of templates: Go's built-in ones and those of Prometheus. Pure but for `query`.
#pragma once

#include "pipeline/template/environment.h"
#include "pipeline/template/value.h"
#include "storage/base/result.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::templates {

/// The types that parameters have in Go.
enum class param : uint8_t { any, reflected, text, sample, samples, time, duration };
/// "interface {}", "reflect.Value", "string", …
std::string_view type_name(param p);

struct call_context {
  const environment& env;
  budget& work;
};

struct function {
  /// The message of an error lacks "error calling NAME: ", which the executor adds.
  using body = result<value> (*)(call_context&, std::span<const value> args);

  std::string_view name;
  std::vector<param> params;
  bool variadic = false;  ///< the last parameter takes any number of arguments
  body call = nullptr;    ///< null: `and` and `or`, which evaluate no more than they need
};

/// Null: there is none of that name.
const function* find_function(std::string_view name);

/// and, or, not, eq, …, index, slice, len, print…, html, js, urlquery, call.
std::span<const function> builtin_functions();
/// query, humanize, match, …: Prometheus' template/template.go.
std::span<const function> prometheus_functions();

/// eq, ne, lt, le, gt, ge.
result<bool> equal(const value& first, std::span<const value> others);
result<bool> less(const value& a, const value& b);

}  // namespace troupe::templates
