#include "pipeline/template/value.h"

#include <array>

namespace troupe::templates {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<value::storage>> type_names{
    "<nil>",
    "interface {}",
    "bool",
    "int",
    "uint8",
    "float64",
    "string",
    "template.HTML",
    "map[string]string",
    "map[string]interface {}",
    "template.queryResult",
    "*template.sample",
    "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; "
    "Value interface {} }",
    "*time.Time",
    "*time.Duration",
    "*histogram.FloatHistogram",
};

}  // namespace

value value::boxed() const {
  value v = *this;
  v.boxed_ = true;
  return v;
}

value value::unboxed() const {
  if (is(type::nil))
    return {};
  value v = *this;
  v.boxed_ = false;
  return v;
}

std::string_view value::type_name() const {
  return is(type::nil) ? type_names[0] : type_names[storage_.index()];
}

std::string_view value::slot_type_name() const {
  return boxed_ || is(type::nil) ? type_names[static_cast<size_t>(type::nil)] : type_name();
}

bool value::truth() const {
  switch (kind()) {
    case type::none:
    case type::nil:
      return false;
    case type::boolean:
      return as<bool>();
    case type::integer:
      return as<int64_t>() != 0;
    case type::byte:
      return as<uint8_t>() != 0;
    case type::number:
      return as<double>() != 0;
    case type::text:
    case type::html:
      return !text().empty();
    case type::labels:
      return !as<troupe::labels>().empty();
    case type::map:
      return !as<map_ptr>()->entries.empty();
    case type::samples:
      return as<sample_list>().size() > 0;
    case type::sample:
      return as<sample_ptr>() != nullptr;
    case type::data:
    case type::time:
    case type::duration:
    case type::histogram:
      return true;
  }
  return false;
}

}  // namespace troupe::templates
