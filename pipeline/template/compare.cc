// eq and lt, on which the other comparisons of templates rest.
#include "pipeline/template/functions.h"
#include "pipeline/template/go_format.h"

#include <cstdint>

namespace troupe::templates {
namespace {

using type = value::type;

enum class basic : uint8_t { invalid, boolean, integer, floating, text, unsigned_integer };

basic basic_kind(const value& v) {
  switch (v.kind()) {
    case type::boolean:
      return basic::boolean;
    case type::integer:
      return basic::integer;
    case type::byte:
      return basic::unsigned_integer;
    case type::number:
      return basic::floating;
    case type::text:
    case type::html:
      return basic::text;
    default:
      return basic::invalid;
  }
}

bool is_valid(const value& v) {
  return !v.is(type::none) && !v.is(type::nil);
}

bool is_nil(const value& v) {
  return !is_valid(v) || (v.is(type::sample) && v.as<sample_ptr>() == nullptr) ||
         (v.is(type::samples) && v.as<sample_list>().all == nullptr);
}

// int and uint8 as one number.
int64_t integer_of(const value& v) {
  return v.is(type::byte) ? v.as<uint8_t>() : v.as<int64_t>();
}

status incompatible(const value& a, const value& b) {
  return {errc::execution, "incompatible types for comparison: " + std::string(a.type_name()) +
                               " and " + std::string(b.type_name())};
}

std::string shown(const value& v) {
  constexpr size_t most = 1000;
  std::string out;
  append_value(out, v, most);
  return out;
}

bool same_pointer(const value& a, const value& b) {
  if (a.kind() != b.kind())
    return false;
  if (a.is(type::sample))
    return a.as<sample_ptr>() == b.as<sample_ptr>();
  if (a.is(type::histogram))
    return a.as<histogram_ptr>() == b.as<histogram_ptr>();
  return false;
}

// What is neither number nor text nor bool.
result<bool> equal_others(const value& a, const value& b) {
  if (is_nil(a) || is_nil(b))
    return is_nil(a) == is_nil(b);
  const auto group = [](const value& v) {
    const bool is_map = v.is(type::labels) || v.is(type::map);
    return is_map ? 0 : v.is(type::samples) ? 1 : v.is(type::data) ? 2 : 3;
  };
  if (group(a) != group(b))
    return {errc::execution, "non-comparable types " + shown(a) + ": " +
                                 std::string(a.type_name()) + ", " + std::string(b.type_name()) +
                                 ": " + shown(b)};
  if (group(b) != 3)
    return {errc::execution, "non-comparable type " + shown(b) + ": " + std::string(b.type_name())};
  return same_pointer(a, b);
}

result<bool> equal_pair(const value& a, const value& b) {
  const auto ka = basic_kind(a), kb = basic_kind(b);
  const bool integers = (ka == basic::integer && kb == basic::unsigned_integer) ||
                        (ka == basic::unsigned_integer && kb == basic::integer);
  if (ka != kb && !integers) {
    if (is_valid(a) && is_valid(b))
      return incompatible(a, b);
    return false;
  }
  switch (ka) {
    case basic::boolean:
      return a.as<bool>() == b.as<bool>();
    case basic::integer:
    case basic::unsigned_integer:
      return integer_of(a) == integer_of(b);
    case basic::floating:
      return a.as<double>() == b.as<double>();
    case basic::text:
      return a.text() == b.text();
    case basic::invalid:
      break;
  }
  return equal_others(a, b);
}

}  // namespace

result<bool> equal(const value& first, std::span<const value> others) {
  if (others.empty())
    return {errc::execution, "missing argument for comparison"};
  for (const auto& other : others) {
    TROUPE_ASSIGN(const bool same, equal_pair(first, other));
    if (same)
      return true;
  }
  return false;
}

result<bool> less(const value& a, const value& b) {
  const auto ka = basic_kind(a), kb = basic_kind(b);
  const status bad{errc::execution, "invalid type for comparison"};
  if (ka == basic::invalid || kb == basic::invalid)
    return bad;
  const auto is_integer = [](basic k) {
    return k == basic::integer || k == basic::unsigned_integer;
  };
  if (is_integer(ka) && is_integer(kb))
    return integer_of(a) < integer_of(b);
  if (ka != kb)
    return incompatible(a, b);
  if (ka == basic::floating)
    return a.as<double>() < b.as<double>();
  if (ka == basic::text)
    return a.text() < b.text();
  return bad;
}

}  // namespace troupe::templates
