// The functions that Go's text/template has by itself.
#include "pipeline/template/escape.h"
#include "pipeline/template/functions.h"
#include "pipeline/template/go_format.h"

#include <utility>

namespace troupe::templates {
namespace {

using type = value::type;
using arguments = std::span<const value>;

status error(std::string message) {
  return {errc::execution, std::move(message)};
}

// A text that a function made, charged to the budget.
result<value> made(call_context& c, std::string text) {
  TROUPE_TRY(c.work.charge(text.size()));
  return value::of(std::move(text));
}

// Go's %T of what a pointer points to.
std::string pointee_type_name(const value& v) {
  auto name = v.type_name();
  name.remove_prefix(name.starts_with('*') ? 1 : 0);
  return std::string(name);
}

bool is_null_pointer(const value& v) {
  return v.is(type::nil) || (v.is(type::sample) && v.as<sample_ptr>() == nullptr);
}

result<value> not_(call_context&, arguments args) {
  return value::of(!args[0].truth());
}

result<value> eq(call_context&, arguments args) {
  TROUPE_ASSIGN(const bool same, equal(args[0], args.subspan(1)));
  return value::of(same);
}

result<value> ne(call_context&, arguments args) {
  TROUPE_ASSIGN(const bool same, equal(args[0], args.subspan(1)));
  return value::of(!same);
}

result<value> lt(call_context&, arguments args) {
  TROUPE_ASSIGN(const bool below, less(args[0], args[1]));
  return value::of(below);
}

result<bool> at_most(arguments args) {
  TROUPE_ASSIGN(const bool below, less(args[0], args[1]));
  if (below)
    return true;
  return equal(args[0], args.subspan(1));
}

result<value> le(call_context&, arguments args) {
  TROUPE_ASSIGN(const bool is_at_most, at_most(args));
  return value::of(is_at_most);
}

result<value> gt(call_context&, arguments args) {
  TROUPE_ASSIGN(const bool is_at_most, at_most(args));
  return value::of(!is_at_most);
}

result<value> ge(call_context&, arguments args) {
  TROUPE_ASSIGN(const bool below, less(args[0], args[1]));
  return value::of(!below);
}

result<size_t> index_of(const value& v, size_t capacity) {
  if (v.is(type::none) || v.is(type::nil))
    return error("cannot index slice/array with nil");
  if (!v.is(type::integer) && !v.is(type::byte))
    return error("cannot index slice/array with type " + std::string(v.type_name()));
  const int64_t n = v.is(type::byte) ? v.as<uint8_t>() : v.as<int64_t>();
  if (n < 0 || static_cast<uint64_t>(n) > capacity)
    return error("index out of range: " + std::to_string(n));
  return static_cast<size_t>(n);
}

result<std::string_view> key_of(const value& v) {
  if (v.is(type::none) || v.is(type::nil))
    return error("value is nil; should be of type string");
  if (!v.is(type::text))
    return error("value has type " + std::string(v.type_name()) + "; should be string");
  return v.text();
}

result<value> element(const value& item, const value& index) {
  if (is_null_pointer(item))
    return error("index of nil pointer");
  if (item.is_text()) {
    TROUPE_ASSIGN(const size_t at, index_of(index, item.text().size()));
    if (at == item.text().size())
      return error("reflect: string index out of range");
    return value(value::storage(static_cast<uint8_t>(item.text()[at])));
  }
  if (item.is(type::samples)) {
    const auto& list = item.as<sample_list>();
    TROUPE_ASSIGN(const size_t at, index_of(index, list.size()));
    if (at == list.size())
      return error("reflect: slice index out of range");
    return value(value::storage(list[at]));
  }
  if (item.is(type::labels)) {
    TROUPE_ASSIGN(const auto key, key_of(index));
    return value::of(std::string(item.as<labels>().get(key)));
  }
  if (item.is(type::map)) {
    TROUPE_ASSIGN(const auto key, key_of(index));
    const auto& entries = item.as<map_ptr>()->entries;
    const auto it = entries.find(key);
    return it == entries.end() ? value(value::storage(nil_interface{})) : it->second.boxed();
  }
  return error("can't index item of type " + pointee_type_name(item));
}

result<value> index(call_context&, arguments args) {
  value item = args[0];
  if (item.is(type::none) || item.is(type::nil))
    return error("index of untyped nil");
  for (const auto& i : args.subspan(1)) {
    TROUPE_ASSIGN(item, element(item, i));
  }
  return item;
}

result<value> slice(call_context& c, arguments args) {
  const value& item = args[0];
  const auto indexes = args.subspan(1);
  if (item.is(type::none) || item.is(type::nil))
    return error("slice of untyped nil");
  if (is_null_pointer(item))
    return error("slice of nil pointer");
  if (indexes.size() > 3)
    return error("too many slice indexes: " + std::to_string(indexes.size()));
  if (item.is_text() && indexes.size() == 3)
    return error("cannot 3-index slice a string");
  if (!item.is_text() && !item.is(type::samples))
    return error("can't slice item of type " + pointee_type_name(item));
  const size_t size = item.is_text() ? item.text().size() : item.as<sample_list>().size();
  size_t at[3] = {0, size, size};
  for (size_t i = 0; i < indexes.size(); ++i) {
    TROUPE_ASSIGN(at[i], index_of(indexes[i], size));
  }
  for (size_t i = 1; i < 3; ++i)
    if (at[i - 1] > at[i])
      return error("invalid slice index: " + std::to_string(at[i - 1]) + " > " +
                   std::to_string(at[i]));
  if (item.is_text())
    return made(c, std::string(item.text().substr(at[0], at[1] - at[0])));
  auto list = item.as<sample_list>();
  list.end = list.begin + at[1];
  list.begin += at[0];
  return value(value::storage(std::move(list)));
}

result<value> len(call_context&, arguments args) {
  const value& item = args[0];
  if (is_null_pointer(item))
    return error("len of nil pointer");
  const auto size = [](size_t n) { return value::of(static_cast<int64_t>(n)); };
  switch (item.kind()) {
    case type::none:
      return error("reflect: call of reflect.Value.Type on zero Value");
    case type::text:
    case type::html:
      return size(item.text().size());
    case type::labels:
      return size(item.as<labels>().size());
    case type::map:
      return size(item.as<map_ptr>()->entries.size());
    case type::samples:
      return size(item.as<sample_list>().size());
    default:
      return error("len of type " + pointee_type_name(item));
  }
}

result<value> print(call_context& c, arguments args) {
  std::string out;
  append_print(out, args, c.work.bytes_left());
  return made(c, std::move(out));
}

result<value> println(call_context& c, arguments args) {
  std::string out;
  append_println(out, args, c.work.bytes_left());
  return made(c, std::move(out));
}

result<value> printf(call_context& c, arguments args) {
  std::string out;
  append_printf(out, args[0].text(), args.subspan(1), c.work.bytes_left());
  return made(c, std::move(out));
}

// The arguments as one text: what the escaping functions take.
result<std::string> joined(call_context& c, arguments args) {
  std::string out;
  if (args.size() == 1 && args[0].is(type::text)) {
    out = args[0].text();
  } else {
    std::vector<value> shown(args.begin(), args.end());
    for (auto& v : shown)
      if (v.is(type::none) || v.is(type::nil))
        v = value::of(std::string("<no value>"));
    append_print(out, shown, c.work.bytes_left());
  }
  TROUPE_TRY(c.work.charge(out.size()));
  return out;
}

result<value> html(call_context& c, arguments args) {
  TROUPE_ASSIGN(const auto text, joined(c, args));
  return made(c, html_escaped(text));
}

result<value> js(call_context& c, arguments args) {
  TROUPE_ASSIGN(const auto text, joined(c, args));
  return made(c, js_escaped(text));
}

result<value> urlquery(call_context& c, arguments args) {
  TROUPE_ASSIGN(const auto text, joined(c, args));
  return made(c, query_escaped(text));
}

// No value of a template is a function.
result<value> call(call_context&, arguments args) {
  if (args[0].is(type::none) || args[0].is(type::nil))
    return error("call of nil");
  return error("non-function of type " + std::string(args[0].type_name()));
}

}  // namespace

std::span<const function> builtin_functions() {
  using enum param;
  static const std::vector<function> all{
      {"and", {reflected, reflected}, true, nullptr},
      {"or", {reflected, reflected}, true, nullptr},
      {"not", {reflected}, false, not_},
      {"eq", {reflected, reflected}, true, eq},
      {"ne", {reflected, reflected}, false, ne},
      {"lt", {reflected, reflected}, false, lt},
      {"le", {reflected, reflected}, false, le},
      {"gt", {reflected, reflected}, false, gt},
      {"ge", {reflected, reflected}, false, ge},
      {"index", {reflected, reflected}, true, index},
      {"slice", {reflected, reflected}, true, slice},
      {"len", {reflected}, false, len},
      {"print", {any}, true, print},
      {"printf", {text, any}, true, printf},
      {"println", {any}, true, println},
      {"html", {any}, true, html},
      {"js", {any}, true, js},
      {"urlquery", {any}, true, urlquery},
      {"call", {reflected, reflected}, true, call},
  };
  return all;
}

}  // namespace troupe::templates
